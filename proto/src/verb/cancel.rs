//! `cancel`: cancels jobs. A queued job never runs; a running job stops soon, and what it wrote stays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A job, or all jobs of a run. As text, `7` and `job:7` are the job and `run:7` the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The job of that number.
    Job(i64),
    /// The run of that number.
    Run(i64),
}

/// A text that names neither a job nor a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither the number of a job, such as 7, nor of a run, such as run:7")]
pub struct UnknownTarget(String);

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(given: &str) -> Result<Self, UnknownTarget> {
        let number = |text: &str| text.parse().map_err(|_| UnknownTarget(given.to_owned()));
        match given.split_once(':') {
            Some(("run", run)) => number(run).map(Self::Run),
            Some(("job", job)) => number(job).map(Self::Job),
            _ => number(given).map(Self::Job),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => write!(f, "job {id}"),
            Self::Run(id) => write!(f, "run {id}"),
        }
    }
}

/// Request to cancel a job or a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// The job or run to cancel.
    pub target: Target,
}

/// Answer to `cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelReply {
    /// Jobs that waited and are cancelled.
    pub cancelled: Vec<i64>,
    /// Jobs that run and stop at their next group.
    pub stopping: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_a_job_and_run_colon_number_a_run() {
        assert_eq!("7".parse(), Ok(Target::Job(7)));
        assert_eq!("job:7".parse(), Ok(Target::Job(7)));
        assert_eq!("run:12".parse(), Ok(Target::Run(12)));
        for wrong in ["", "run:", "run 7", "seven", "runs:7", "99999999999999999999"] {
            let error = wrong.parse::<Target>().unwrap_err();
            assert!(error.to_string().contains("run:7"), "{error}");
        }
    }
}
