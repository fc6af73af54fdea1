//! An error with its causes, as one line.

use std::error::Error;

use cached_proto::text::one_line;

/// The message of an error and of each of its causes that the message does not repeat already, as one line
/// that is safe to show.
pub fn describe(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
        cause = error.source();
    }
    one_line(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read {file}{detail}")]
    struct Outer {
        file: &'static str,
        detail: &'static str,
        #[source]
        cause: std::io::Error,
    }

    #[test]
    fn causes_are_told_once_and_in_one_line() {
        let outer = |detail| Outer { file: "a\nb", detail, cause: std::io::Error::other("disk on fire") };
        assert_eq!(describe(&outer("")), "cannot read a\\nb: disk on fire");
        assert_eq!(describe(&outer(", disk on fire")), "cannot read a\\nb, disk on fire");
    }
}
