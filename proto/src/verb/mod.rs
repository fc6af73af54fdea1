//! One module per verb: its request and its answer.

pub mod backup;
pub mod cancel;
pub mod get;
pub mod health;
pub mod history;
pub mod invalidate;
pub mod job;
pub mod jobs;
pub mod logs;
pub mod maintenance;
pub mod next;
pub mod notify;
pub mod ping;
pub mod refresh;
pub mod rehearse;
pub mod reload;
pub mod report;
pub mod retry;
pub mod scheduler;
pub mod status;
