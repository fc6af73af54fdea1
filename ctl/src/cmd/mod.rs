//! One module per verb: each sends its request, renders the answer and chooses the exit code.

pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod invalidate;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod maintenance;
pub(crate) mod next;
pub(crate) mod notify;
pub(crate) mod ping;
pub(crate) mod refresh;
pub(crate) mod refresh_all;
pub(crate) mod rehearse;
pub(crate) mod reload;
pub(crate) mod report;
pub(crate) mod retry;
pub(crate) mod start_scheduler;
pub(crate) mod status;
pub(crate) mod stop_scheduler;
