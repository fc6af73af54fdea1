//! A control socket that the service manager created and passed: clients that connect while the daemon
//! restarts wait instead of being refused, and its permissions are up to the service manager.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// `FileDescriptorName=` of the control socket, which identifies it among several passed sockets.
const NAME: &str = "control";

/// Why a passed socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// Several sockets were passed, and none has the expected name.
    #[error(
        "the service manager passed {count} sockets and none is named {NAME}; add FileDescriptorName={NAME} to the \
         socket unit of the control socket"
    )]
    Unnamed {
        /// Number of sockets passed.
        count: usize,
    },
    /// The passed file descriptor is not a Unix stream socket.
    #[error(
        "the service manager did not pass a stream socket; the socket unit needs ListenStream= with a path"
    )]
    WrongKind(#[source] io::Error),
    /// The socket does not accept connections.
    #[error(
        "the socket that the service manager passed does not listen; the socket unit needs ListenStream= and Accept=no"
    )]
    NotListening,
}

/// A listening socket that was passed. Dropping it closes it and keeps its file, which belongs to the service
/// manager.
#[derive(Debug)]
pub struct Inherited {
    listener: UnixListener,
}

impl Inherited {
    /// Takes the socket passed to this very process; `None` if none was passed. Must be called once, before
    /// threads are started: it removes the environment variables that describe the socket, so that no child process
    /// takes them for its own.
    pub fn take(env: &BTreeMap<String, String>) -> Result<Option<Self>, InheritError> {
        let ours = std::process::id().to_string();
        if env.get("LISTEN_PID") != Some(&ours) {
            return Ok(None);
        }
        let mut passed = ListenFd::from_env();
        if passed.len() == 0 {
            return Ok(None);
        }
        let names = env.get("LISTEN_FDNAMES").map(String::as_str).unwrap_or_default();
        let at = position(passed.len(), names).ok_or(InheritError::Unnamed { count: passed.len() })?;
        match passed.take_unix_listener(at).map_err(InheritError::WrongKind)? {
            Some(listener) => Self::of(listener).map(Some),
            None => Ok(None),
        }
    }

    /// Wraps a socket that is known to be a Unix stream socket.
    pub fn of(listener: UnixListener) -> Result<Self, InheritError> {
        match socket_acceptconn(&listener) {
            Ok(true) => Ok(Self { listener }),
            Ok(false) => Err(InheritError::NotListening),
            Err(error) => Err(InheritError::WrongKind(error.into())),
        }
    }

    /// The path at which clients connect, if the socket has one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.listener.local_addr().ok()?.as_pathname().map(Into::into)
    }

    pub(super) fn into_listener(self) -> UnixListener {
        self.listener
    }
}

/// Index of the control socket: the one with its name, or the only one, whatever its name.
fn position(count: usize, names: &str) -> Option<usize> {
    let at = names.split(':').take(count).position(|name| name == NAME);
    at.or_else(|| (count == 1).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_socket_is_found_by_its_name_and_an_only_one_needs_none() {
        let cases = [
            (1, "", Some(0)),
            (1, "cached.socket", Some(0)),
            (2, "status:control", Some(1)),
            (2, "control:status", Some(0)),
            (2, "a:b", None),
            (2, "a:b:control", None),
        ];
        for (count, names, expected) in cases {
            assert_eq!(position(count, names), expected, "{count} {names}");
        }
    }
}
