//! Keeps a panic in a report from ending the task that calls it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::task::JoinError;

use super::RefreshError;

/// Calls a report and turns a panic into an error. The data that `call` works on must be immutable or not be
/// used again after a panic.
pub(crate) fn fenced<T>(call: impl FnOnce() -> T) -> Result<T, RefreshError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| RefreshError::Panicked(said(payload.as_ref())))
}

/// Calls reports on a blocking thread, so that the tasks of the runtime go on meanwhile, and turns a panic into
/// an error.
pub(super) async fn off_thread<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RefreshError> {
    tokio::task::spawn_blocking(call).await.map_err(panicked)
}

/// The error of a report that was called on a blocking thread.
pub(super) fn panicked(error: JoinError) -> RefreshError {
    let said = error.try_into_panic().map(|payload| said(payload.as_ref()));
    RefreshError::Panicked(said.unwrap_or_else(|_| "no message".to_owned()))
}

/// The message of a panic.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(fenced(|| 7).unwrap(), 7);
        let message = |error: RefreshError| error.to_string();
        let broken = || -> () { panic!("index {} out of bounds", 3) };
        assert!(message(fenced(broken).unwrap_err()).contains("index 3 out of bounds"));
        let broken = || -> () { std::panic::panic_any(3) };
        assert!(message(fenced(broken).unwrap_err()).contains("no message"));
    }
}
