//! The configuration as text, what a reload changes, and what loading does with any input.

use proptest::prelude::*;

use super::super::{Config, Origin};
use super::{Fixture, with_database};

#[test]
fn the_page_shows_every_value_with_its_origin() {
    let fixture = with_database("[log]\ndir = \"/l\"").env(&[("CACHED_SOCKET", "/c.sock")]);
    let page = fixture.config(&["--timezone", "UTC"]).render();
    let page = page.replace(&fixture.dir.path().display().to_string(), "DIR");
    for part in [
        "[database]\nurl = \"/srv/vms.db\" # DIR/cached.toml line 2\n\n[state]\n",
        "[vms]\ntimezone = \"UTC\" # flag --timezone\nprobe_url = \"\" # default\nprobe_timeout = \"5s\" # default\n",
        "catch_up = true # default\ncron = \"\" # default\n",
        "[guard]\nenabled = true # default\nmax_loss = 0.6 # default\nmin_rows = 50 # default\n",
        "[socket]\npath = \"/c.sock\" # variable CACHED_SOCKET\n",
        "trusted_proxies = [] # default\n",
        "[log]\ndir = \"/l\" # DIR/cached.toml line 4\nlevel = \"info\" # default\nmax_size = \"20MB\" # default\n",
    ] {
        assert!(page.contains(part), "{part}\nis missing in\n{page}");
    }
    let shown = page.lines().filter(|line| line.contains(" = ")).map(|line| line.split(' ').next().unwrap());
    assert!(shown.eq(Config::keys().iter().map(|key| key.name)), "{page}");
}

#[test]
fn the_page_can_be_read_back() {
    for lines in [
        "",
        "[schedule]\ncron = \"0 0 2 * * *\"",
        "[schedule]\nrefresh_interval_hours = 6\n[http]\nlisten = \"\"",
    ] {
        let config = with_database(lines).config(&[]);
        let again = Fixture::new().toml(&config.render()).config(&[]);
        let values = |page: String| {
            page.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values(again.render()), values(config.render()), "{lines}");
    }
}

/// The sample file in packaging/.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/cached.toml");

/// The sample is current; with `UPDATE_SAMPLE` set, it is rewritten.
#[test]
fn the_shipped_sample_matches_the_table_of_keys() {
    let made = Config::sample().unwrap();
    if std::env::var_os("UPDATE_SAMPLE").is_some() {
        std::fs::write(SHIPPED, &made).unwrap();
    }
    let shipped = std::fs::read_to_string(SHIPPED).unwrap();
    assert!(
        made == shipped,
        "packaging/cached.toml does not match the table of keys; run the test with UPDATE_SAMPLE=1"
    );
}

#[test]
fn every_key_of_the_sample_may_be_uncommented_and_changes_nothing() {
    let key = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        rest.split_once(" = ").filter(|(name, _)| !name.contains(' ')).map(|_| rest.to_owned())
    };
    let sample = Config::sample().unwrap();
    let lines = sample.lines().map(|line| key(line).unwrap_or_else(|| line.to_owned()));
    let text = lines.collect::<Vec<_>>().join("\n");
    let set = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(set, Config::keys().len());
    let places = "[database]\nurl = \"/srv/vms/instance/vms.db\"\n[state]\nurl = \"/var/lib/cached/state.db\"\n\
                  [socket]\npath = \"/run/cached/cached.sock\"\n[log]\ndir = \"/var/log/cached\"\n";
    let chicago = &[("TZ", "America/Chicago")];
    let values = |text: &str| Fixture::new().env(chicago).toml(text).config(&[]).shown();
    assert_eq!(values(&text), values(places));
}

#[test]
fn a_key_that_needs_a_restart_keeps_its_value_and_is_reported() {
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

/// A value that is sometimes of the right type.
fn value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(toml::Value::from),
        (0_i64..30).prop_map(toml::Value::from),
        any::<f64>().prop_map(toml::Value::from),
        any::<bool>().prop_map(toml::Value::from),
        any::<String>().prop_map(toml::Value::from),
        "[0-9 */,-]{1,20}( [0-9*/,-]{1,5}){4,6}".prop_map(toml::Value::from),
        "[0-9]{1,25} ?(ms|s|m|h|MB|KiB|B)".prop_map(toml::Value::from),
        "(sqlite|http|https|postgres|file)://[ -~]{0,20}".prop_map(toml::Value::from),
        "[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?".prop_map(toml::Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(toml::Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|table| toml::Value::Table(table.into_iter().collect())),
        ]
    })
}

/// A document of known keys with any values.
fn document() -> impl Strategy<Value = String> {
    let key = prop::sample::select(Config::keys());
    prop::collection::vec((key, value()), 0..12).prop_map(|entries| {
        let mut document = toml::Table::new();
        for (key, value) in entries {
            let section = document.entry(key.section).or_insert_with(|| toml::Table::new().into());
            section.as_table_mut().unwrap().insert(key.name.to_owned(), value);
        }
        document.to_string()
    })
}

fn load(document: &str) -> Result<(), TestCaseError> {
    if let Err(errors) = Fixture::new().toml(document).load(&[]) {
        let lines = errors.to_string().lines().count();
        prop_assert_eq!(lines, errors.iter().count());
        prop_assert!(lines > 0);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(document in any::<String>()) {
        load(&document)?;
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(document in document()) {
        load(&document)?;
    }

    #[test]
    fn any_variable_is_read_or_refused(at in 0..Config::keys().len(), value in any::<String>()) {
        let name = Config::keys()[at].variable();
        let fixture = Fixture::new().env(&[(&name, &value)]);
        if let Err(errors) = fixture.load(&[]) {
            prop_assert_eq!(errors.to_string().lines().count(), errors.iter().count());
        }
    }
}
