//! Defaults that depend on the user, on systemd and on the zone.

use super::super::Surroundings;
use super::{Fixture, with_database};

type Variables = &'static [(&'static str, &'static str)];

fn with_user(uid: u32, variables: Variables) -> Fixture {
    let mut fixture = with_database("").env(variables);
    fixture.around.uid = uid;
    fixture
}

#[test]
fn files_go_where_the_user_may_write() {
    let systemd: Variables = &[
        ("STATE_DIRECTORY", "/s/cached:/other"),
        ("RUNTIME_DIRECTORY", "/r/cached"),
        ("LOGS_DIRECTORY", "/l/cached"),
    ];
    let xdg: Variables = &[("XDG_STATE_HOME", "/x/state"), ("XDG_RUNTIME_DIR", "/run/user/1000")];
    let relative: Variables = &[("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")];
    let home = "/home/ada/.local/state/cached";
    // (uid, variables) -> state, socket, log directory
    let cases = [
        (0, &[] as Variables, "/var/lib/cached/state.db", "/run/cached/cached.sock", Some("/var/log/cached")),
        (0, xdg, "/var/lib/cached/state.db", "/run/cached/cached.sock", Some("/var/log/cached")),
        (0, systemd, "/s/cached/state.db", "/r/cached/cached.sock", Some("/l/cached")),
        (998, &[], "/var/lib/cached/state.db", "/run/cached/cached.sock", None),
        (998, systemd, "/s/cached/state.db", "/r/cached/cached.sock", Some("/l/cached")),
        (1000, xdg, "/x/state/cached/state.db", "/run/user/1000/cached.sock", None),
        (1000, systemd, "/s/cached/state.db", "/r/cached/cached.sock", Some("/l/cached")),
        (1000, &[], &format!("{home}/state.db"), &format!("{home}/cached.sock"), None),
        (1000, relative, &format!("{home}/state.db"), &format!("{home}/cached.sock"), None),
    ];
    for (uid, variables, state, socket, log) in cases {
        let config = with_user(uid, variables).config(&[]);
        assert_eq!(config.state.url.to_string(), state, "{uid} {variables:?}");
        assert_eq!(config.socket.path, super::path(socket), "{uid} {variables:?}");
        assert_eq!(config.log.dir.as_deref(), log.map(super::path), "{uid} {variables:?}");
    }
}

#[test]
fn a_user_without_a_home_must_say_where() {
    let mut fixture = with_database("");
    fixture.around.env.remove("HOME");
    let errors = fixture.errors(&[]);
    assert!(errors.len() == 1, "{errors:?}");
    assert!(errors[0].starts_with("state.url is not set: give --state PATH"), "{errors:?}");
    // A one-shot does not use the socket, so its path is not required.
    let config = fixture.config(&["--state", "/s.db"]);
    assert_eq!(config.socket.path, super::path("/run/cached/cached.sock"));
}

#[test]
fn the_process_knows_its_user_and_its_directory() {
    use std::os::unix::fs::MetadataExt;
    let fixture = Fixture::new().file("mine", "");
    let around = Surroundings::of_process(chrono::DateTime::UNIX_EPOCH);
    assert_eq!(around.uid, fixture.path("mine").metadata().unwrap().uid());
    assert_eq!(around.cwd, std::env::current_dir().unwrap());
    assert_eq!(around.env.get("PATH").cloned(), std::env::var("PATH").ok());
}
