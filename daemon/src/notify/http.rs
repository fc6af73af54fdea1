//! Sends a notice over HTTP; only the status of the response matters.

use std::time::Duration;

use super::error::NotifyError;
use crate::config::Url;
pub(super) use crate::fetch::Call;
use crate::fetch::{FetchError, fetch, host};

/// Sends the request and accepts any status from 200 to 299.
pub(super) async fn call(url: &Url, call: Call, limit: Duration) -> Result<(), NotifyError> {
    let answer = fetch(url, call, limit).await;
    let host = host(url);
    match answer {
        Ok(200..300) => Ok(()),
        Ok(status) => Err(NotifyError::Refused { host, status }),
        Err(FetchError::TimedOut(limit)) => Err(NotifyError::TimedOut { who: host, limit }),
        Err(FetchError::Unreachable(what)) => Err(NotifyError::Unreachable { host, what }),
    }
}
