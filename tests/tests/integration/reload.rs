//! `cachectl reload`
#![expect(clippy::unwrap_used, reason = "these are tests")]

use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;

fn reload(daemon: &Daemon, code: i32) -> serde_json::Value {
    let ran = daemon.ctl(&["reload", "--json"]);
    assert_eq!(ran.code, Some(code), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_new_level_takes_effect_and_the_answer_says_so() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "level = \"error\"\n");
    daemon.idle();
    let log = golden.directory().join("log/cache_manager.log");
    assert_eq!(std::fs::read_to_string(&log).unwrap_or_default(), "");

    Daemon::command(&golden, "level = \"info\"\n[http]\nlisten = \"127.0.0.1:1\"\n");
    let answer = reload(&daemon, 0);
    assert_eq!(answer["reloaded"], true);
    assert_eq!(answer["changed"][0]["key"], "log.level", "{answer}");
    assert_eq!(answer["changed"][0]["to"], "\"info\"", "{answer}");
    assert_eq!(answer["changed"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["waiting"][0]["key"], "http.listen", "{answer}");
    assert_eq!(daemon.ctl(&["refresh", "district", "--force"]).code, Some(0));
    assert!(std::fs::read_to_string(&log).unwrap().contains(" - INFO - Cache refresh completed"));

    assert_eq!(reload(&daemon, 0)["changed"].as_array().unwrap().len(), 0);
}

#[test]
fn every_error_is_told_with_its_place_and_nothing_changes() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let next = || daemon.json(&["next"])["fires"][0]["slot"].clone();
    let before = next();
    Daemon::command(&golden, "levle = \"debug\"\n[schedule]\nrefresh_time = \"soon\"\n");
    let answer = reload(&daemon, 1);
    assert_eq!(answer["reloaded"], false);
    let errors: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in &errors {
        assert!(error.contains("cached.toml") && error.contains("line "), "{error}");
    }
    assert!(errors.iter().any(|error| error.contains("log.level?")), "{errors:?}");
    assert_eq!(next(), before);
}
