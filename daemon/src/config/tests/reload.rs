//! Taking over a changed configuration while running.

use super::super::Origin;
use super::{Fixture, with_database};

#[test]
fn what_needs_a_restart_stays_and_is_named() {
    let running = with_database("").config(&["--state", "/s.db", "--socket", "/s.sock"]);
    let new = Fixture::new().toml("[cache]\nprune_after_days = 9\n[state]\nhistory_days = 7").config(&[
        "--database",
        "/n.db",
        "--state",
        "/t.db",
        "--socket",
        "/t.sock",
        "--http",
        "",
    ]);
    let (merged, waiting) = running.reload(new);
    assert_eq!((merged.cache.prune_after_days, merged.state.history_days), (9, 7));
    assert_eq!(merged.database, running.database);
    assert_eq!(merged.state.url, running.state.url);
    assert_eq!(merged.socket.path, running.socket.path);
    assert_eq!(merged.http.listen, running.http.listen);
    assert_eq!(merged.origin("database", "url"), running.origin("database", "url"));
    assert_eq!(merged.origin("http", "listen"), &Origin::Default);
    let messages: Vec<_> = waiting.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "database.url stays \"/srv/vms.db\" until cached is restarted; the configuration now says \"/n.db\"",
            "state.url stays \"/s.db\" until cached is restarted; the configuration now says \"/t.db\"",
            "socket.path stays \"/s.sock\" until cached is restarted; the configuration now says \"/t.sock\"",
            "http.listen stays \"127.0.0.1:8321\" until cached is restarted; the configuration now says off",
        ]
    );
}

#[test]
fn an_unchanged_configuration_needs_nothing() {
    let running = with_database("").config(&[]);
    let (merged, waiting) = running.reload(with_database("").config(&[]));
    assert_eq!(waiting, []);
    assert_eq!(merged.database, running.database);
}

#[test]
fn every_other_key_changes_at_once() {
    let lines =
        "[log]\nlevel = \"debug\"\n[schedule]\ncron = \"0 0 4 * * *\"\n[notify]\ncommand = \"/bin/true\"";
    let new = with_database(lines).config(&["--timezone", "UTC"]);
    let (merged, waiting) = with_database("").config(&[]).reload(new.clone());
    assert_eq!((merged, waiting), (new, vec![]));
}

#[test]
fn a_change_of_credentials_alone_is_a_change_and_shows_none_of_them() {
    let url = |user: &str| format!("[vms]\nprobe_url = \"http://{user}@127.0.0.1/health\"");
    let load = |user: &str| with_database(&url(user)).mode("cached.toml", 0o600).config(&[]);
    let changes = load("ada:old").changes(&load("ada:new"));
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].key, "vms.probe_url");
    let shown = format!("{changes:?}");
    assert!(!shown.contains("ada") && shown.contains("(with new contents)"), "{changes:?}");
    assert_eq!(load("ada:old").changes(&load("ada:old")), []);
}
