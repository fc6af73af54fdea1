//! Keeps a panic in a report from ending the task that calls it.

use tokio::task::JoinError;

use super::RefreshError;
use crate::describe::panic_message;

/// Calls reports on a blocking thread, so that the tasks of the runtime go on meanwhile, and turns a panic into
/// an error.
pub(crate) async fn off_thread<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RefreshError> {
    tokio::task::spawn_blocking(call).await.map_err(panicked)
}

/// The error of a report that was called on a blocking thread.
pub(super) fn panicked(error: JoinError) -> RefreshError {
    let said = error.try_into_panic().map(|payload| panic_message(payload.as_ref()));
    RefreshError::Panicked(said.unwrap_or_else(|_| "no message".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        assert_eq!(off_thread(|| 7).await.unwrap(), 7);
        let broken = || -> () { panic!("index {} out of bounds", 3) };
        let error = off_thread(broken).await.unwrap_err();
        assert!(error.to_string().contains("index 3 out of bounds"));
        let broken = || -> () { std::panic::panic_any(3) };
        assert!(off_thread(broken).await.unwrap_err().to_string().contains("no message"));
    }
}
