//! One file per verb: what is asked, and what is answered.

pub mod get;
pub mod health;
pub mod history;
pub mod invalidate;
pub mod jobs;
pub mod next;
pub mod ping;
pub mod refresh;
pub mod report;
pub mod scheduler;
pub mod status;
