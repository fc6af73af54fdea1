//! Flag beats variable beats file beats default.

use super::super::Origin;
use super::{Fixture, shown, with_database};

/// Section, key and the expected value.
type Set = (&'static str, &'static str, &'static str);

#[test]
fn every_layer_beats_those_below_it() {
    let file = "[http]\nlisten = \"127.0.0.1:2\"";
    let env = [("CACHED_HTTP_LISTEN", "127.0.0.1:3")];
    let flag = ["--http", "127.0.0.1:4"];
    // (file, variable, flag) -> port, origin
    let cases = [
        (false, false, false, 8321, "default"),
        (true, false, false, 2, "DIR/cached.toml line 4"),
        (false, true, false, 3, "variable CACHED_HTTP_LISTEN"),
        (false, false, true, 4, "flag --http"),
        (true, true, false, 3, "variable CACHED_HTTP_LISTEN"),
        (true, false, true, 4, "flag --http"),
        (false, true, true, 4, "flag --http"),
        (true, true, true, 4, "flag --http"),
    ];
    for (in_file, in_env, in_flag, port, origin) in cases {
        let fixture = with_database(if in_file { file } else { "" }).env(if in_env { &env } else { &[] });
        let config = fixture.config(if in_flag { &flag } else { &[] });
        assert_eq!(config.http.listen.unwrap().port(), port, "{in_file} {in_env} {in_flag}");
        let said = config.origin("http", "listen").to_string();
        assert_eq!(said.replace(&fixture.dir.path().display().to_string(), "DIR"), origin);
    }
}

#[test]
fn every_common_flag_sets_its_keys() {
    let cases: &[(&[&str], &[Set])] = &[
        (&["--database", "/a.db"], &[("database", "url", "\"/a.db\"")]),
        (&["--state", "/b.db"], &[("state", "url", "\"/b.db\"")]),
        (&["--socket", "/c.sock"], &[("socket", "path", "\"/c.sock\"")]),
        (&["--http", ""], &[("http", "listen", "\"\"")]),
        (
            &["--timezone", "Asia/Tokyo"],
            &[("schedule", "timezone", "\"Asia/Tokyo\""), ("vms", "timezone", "\"Asia/Tokyo\"")],
        ),
        (&["--log-level", "debug"], &[("log", "level", "\"debug\"")]),
        (&["refresh", "--exact"], &[("compat", "mode", "\"exact\"")]),
    ];
    for (arguments, expected) in cases {
        let config = with_database("").config(arguments);
        for (section, name, value) in *expected {
            assert_eq!(shown(&config, section, name), *value, "{arguments:?}");
            assert!(matches!(config.origin(section, name), Origin::Flag(_)));
        }
    }
}

#[test]
fn every_key_that_is_no_secret_has_a_variable() {
    let plain = with_database("").config(&[]);
    for key in super::super::Config::keys().iter().filter(|key| !key.is_secret()) {
        let value = match key.full_name().as_str() {
            "database.url" => "/v.db".to_owned(),
            "schedule.cron" => continue, // excludes keys that have defaults; see the messages
            _ => shown(&plain, key.section, key.name).trim_matches('"').replace("[]", ""),
        };
        let config = with_database("").env(&[(&key.variable(), &value)]).config(&[]);
        assert_eq!(config.origin(key.section, key.name), &Origin::Variable(key.variable()), "{value}");
    }
}

#[test]
fn the_socket_has_a_short_variable() {
    let config = with_database("").env(&[("CACHED_SOCKET", "/x.sock")]).config(&[]);
    assert_eq!(config.socket.path, super::path("/x.sock"));
    let same = with_database("").env(&[("CACHED_SOCKET", "/x.sock"), ("CACHED_SOCKET_PATH", "/x.sock")]);
    assert!(same.load(&[]).is_ok());
}

#[test]
fn no_two_keys_share_a_variable() {
    let mut names: Vec<_> = super::super::Config::keys().iter().map(super::super::Key::variable).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn an_empty_variable_takes_back_what_the_file_sets() {
    let config = with_database("[log]\ndir = \"/logs\"").env(&[("CACHED_LOG_DIR", "")]).config(&[]);
    assert_eq!(config.log.dir, None);
}

#[test]
fn a_file_named_on_the_command_line_replaces_the_default_one() {
    let fixture =
        with_database("[cache]\nmax_cache_age_hours = 30").file("other.toml", "[database]\nurl = \"/o.db\"");
    let other = fixture.path("other.toml");
    let config = fixture.config(&["--config", other.to_str().unwrap()]);
    assert_eq!(config.database.url.as_path(), super::path("/o.db"));
    assert_eq!(config.cache.max_cache_age_hours, 24);
}

#[test]
fn without_a_default_file_the_defaults_hold() {
    let config = Fixture::new().config(&["--database", "/a.db"]);
    assert_eq!(config.cache.refresh_after_hours, 20);
}

#[test]
fn an_empty_variable_is_none_where_empty_is_no_value() {
    let file = "[socket]\npath = \"/f.sock\"\nwrite_group = \"staff\"";
    let empty = [("CACHED_SOCKET", ""), ("CACHED_SOCKET_WRITE_GROUP", ""), ("CACHED_DATABASE_URL", "")];
    let config = with_database(file).env(&empty).config(&[]);
    assert_eq!(config.socket.path, super::path("/f.sock"));
    assert_eq!(config.socket.write_group, "staff");
}

#[test]
fn common_flags_are_variables_as_well() {
    let config = with_database("").env(&[("CACHED_TIMEZONE", "Asia/Tokyo")]).config(&[]);
    assert_eq!((config.schedule.timezone.name(), config.vms.timezone.name()), ("Asia/Tokyo", "Asia/Tokyo"));
    let mut fixture =
        with_database("[cache]\nmax_cache_age_hours = 30").file("other.toml", "[database]\nurl = \"/o.db\"");
    let other = fixture.path("other.toml");
    fixture = fixture.env(&[("CACHED_CONFIG", other.to_str().unwrap())]);
    let config = fixture.config(&[]);
    assert_eq!((config.database.url.to_string().as_str(), config.cache.max_cache_age_hours), ("/o.db", 24));
    let missing = fixture.env(&[("CACHED_CONFIG", "/nowhere/cached.toml")]);
    assert!(missing.errors(&[])[0].contains("/nowhere/cached.toml"));
}
