//! Flag beats variable beats file beats default, and what the defaults depend on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::{Instance, Localtime, Origin, ProcessEnvironment, SystemZone};
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
        let shown = config.origin("http", "listen").to_string();
        assert_eq!(shown.replace(&fixture.dir.path().display().to_string(), "DIR"), origin);
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
fn an_empty_variable_unsets_the_value_of_the_file() {
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
fn an_empty_variable_is_ignored_where_empty_is_not_a_value() {
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

type Variables = &'static [(&'static str, &'static str)];

fn with_user(uid: u32, variables: Variables) -> Fixture {
    let mut fixture = with_database("").env(variables);
    fixture.environment.uid = uid;
    fixture
}

#[test]
fn the_default_paths_depend_on_the_user() {
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
fn a_user_without_a_home_must_set_the_state() {
    let mut fixture = with_database("");
    fixture.environment.env.remove("HOME");
    let errors = fixture.errors(&[]);
    assert!(errors.len() == 1, "{errors:?}");
    assert!(errors[0].starts_with("state.url is not set: give --state PATH"), "{errors:?}");
    // A one-shot does not use the socket, so its path is not required.
    let config = fixture.config(&["--state", "/s.db"]);
    assert_eq!(config.socket.path, super::path("/run/cached/cached.sock"));
}

#[test]
fn an_instance_has_a_state_a_socket_and_a_log_of_its_own() {
    let mut fixture = with_database("").env(&[("CACHED_INSTANCE", "north")]);
    fixture.environment.instance = "north".parse().unwrap();
    let config = fixture.config(&[]);
    assert_eq!(config.instance().name(), Some("north"));
    assert_eq!(config.state.url.as_path(), super::path("/home/ada/.local/state/cached/north/state.db"));
    assert_eq!(config.socket.path, super::path("/home/ada/.local/state/cached/north/cached.sock"));
    fixture.environment.uid = 0;
    let config = fixture.config(&[]);
    assert_eq!(config.state.url.as_path(), super::path("/var/lib/cached/north/state.db"));
    assert_eq!(config.socket.path, super::path("/run/cached/north/cached.sock"));
    assert_eq!(config.log.dir.as_deref(), Some(super::path("/var/log/cached/north")));
}

#[test]
fn the_environment_of_a_process_has_its_user_directory_and_variables() {
    use std::os::unix::fs::MetadataExt;
    let fixture = Fixture::new().file("mine", "");
    let environment = ProcessEnvironment::of_process(chrono::DateTime::UNIX_EPOCH, Instance::default());
    assert_eq!(environment.uid, fixture.path("mine").metadata().unwrap().uid());
    assert_eq!(environment.cwd, std::env::current_dir().unwrap());
    assert_eq!(environment.env.get("PATH").cloned(), std::env::var("PATH").ok());
}

fn fixture(tz: Option<&str>, localtime: &str, timezone: Option<&str>) -> Fixture {
    let mut fixture = with_database("");
    fixture.environment.now = "2026-11-30T12:00:00Z".parse().unwrap();
    fixture.environment.system_zone = SystemZone {
        localtime: match localtime {
            "" => Localtime::Missing,
            "?" => Localtime::Unknown,
            path => Localtime::Is(path.to_owned()),
        },
        timezone: timezone.map(str::to_owned),
    };
    fixture.environment.env.extend(tz.map(|tz| ("TZ".to_owned(), tz.to_owned())));
    fixture
}

/// Checks the guessed zone, and the warning about it if there is one.
fn check(tz: Option<&str>, localtime: &str, timezone: Option<&str>, zone: &str, reason: Option<&str>) {
    let config = fixture(tz, localtime, timezone).config(&[]);
    assert_eq!(config.vms.timezone.name(), zone, "{tz:?} {localtime} {timezone:?}");
    let reason =
        reason.map(|reason| format!("vms.timezone is not set and guessed to be {zone}, but {reason}"));
    assert_eq!(config.zone_warning(), reason, "{tz:?} {localtime} {timezone:?}");
    assert_eq!(config.schedule.timezone.name(), "America/Chicago");
}

const CHICAGO: &str = "/usr/share/zoneinfo/America/Chicago";

#[test]
fn every_usual_way_to_name_a_zone_is_accepted() {
    check(None, CHICAGO, None, "America/Chicago", None);
    check(None, "/etc/../usr/share/zoneinfo/Europe/Vienna", None, "Europe/Vienna", None);
    check(None, "/etc/zoneinfo/Etc/UTC", Some("Etc/UTC"), "Etc/UTC", None);
    check(None, "", None, "UTC", None);
    check(None, "", Some("Etc/UTC"), "Etc/UTC", None);
    for tz in [
        "America/Chicago",
        ":America/Chicago",
        "posix/America/Chicago",
        "right/America/Chicago",
        ":posix/America/Chicago",
        "/usr/share/zoneinfo/America/Chicago",
        ":/usr/share/zoneinfo/America/Chicago",
        "/usr/share/zoneinfo/posix/America/Chicago",
        "/usr/share/zoneinfo/right/America/Chicago",
    ] {
        check(Some(tz), "", None, "America/Chicago", None);
        check(Some(tz), CHICAGO, Some("America/Chicago"), "America/Chicago", None);
    }
    check(Some("/etc/localtime"), CHICAGO, None, "America/Chicago", None);
    check(Some(":/etc/localtime"), CHICAGO, None, "America/Chicago", None);
    check(Some(""), "/usr/share/zoneinfo/Etc/UTC", None, "UTC", None);
    // Other names of the same zone.
    check(Some("US/Central"), CHICAGO, Some("America/Chicago"), "US/Central", None);
    check(Some("UTC"), "/usr/share/zoneinfo/Etc/UTC", Some("Universal"), "UTC", None);
}

#[test]
fn sources_that_disagree_about_the_zone_are_named_in_the_warning() {
    let vienna = "/etc/localtime is /usr/share/zoneinfo/Europe/Vienna, which means Europe/Vienna";
    check(
        Some("America/Chicago"),
        "/usr/share/zoneinfo/Europe/Vienna",
        None,
        "America/Chicago",
        Some(vienna),
    );
    let stale = "/etc/timezone says \"Etc/UTC\", which means Etc/UTC";
    check(None, CHICAGO, Some("Etc/UTC"), "America/Chicago", Some(stale));
    check(
        Some(""),
        CHICAGO,
        Some("America/Chicago"),
        "UTC",
        Some(
            "/etc/localtime is /usr/share/zoneinfo/America/Chicago, which means America/Chicago and \
             /etc/timezone says \"America/Chicago\", which means America/Chicago",
        ),
    );
    let missing = "/etc/localtime is missing, which means UTC";
    check(None, "", Some("America/Chicago"), "America/Chicago", Some(missing));
    // Differs in summer only.
    let phoenix = "/etc/timezone says \"America/Phoenix\", which means America/Phoenix";
    check(
        None,
        "/usr/share/zoneinfo/America/Denver",
        Some("America/Phoenix"),
        "America/Denver",
        Some(phoenix),
    );
}

#[test]
fn a_source_without_an_iana_zone_is_a_warning_unless_a_stronger_source_names_one() {
    let rule = "TZ is \"CST6CDT,M3.2.0,M11.1.0\", which names no IANA zone";
    check(Some("CST6CDT,M3.2.0,M11.1.0"), CHICAGO, None, "America/Chicago", Some(rule));
    check(Some(":CST6CDT,M3.2.0,M11.1.0"), "", None, "UTC", Some(rule));
    let elsewhere = "TZ is \"/opt/zones/Chicago\", which names no IANA zone";
    check(
        Some("/opt/zones/Chicago"),
        "/usr/share/zoneinfo/Europe/Vienna",
        None,
        "Europe/Vienna",
        Some(elsewhere),
    );
    let unknown = "/etc/localtime is a file of unknown origin, which names no IANA zone";
    check(None, "?", None, "UTC", Some(unknown));
    check(None, "?", Some("America/Chicago"), "America/Chicago", Some(unknown));
    check(None, "/srv/zone", None, "UTC", Some("/etc/localtime is /srv/zone, which names no IANA zone"));
    // TZ comes first, and the others do not disagree.
    check(Some("America/Chicago"), "?", Some("nonsense"), "America/Chicago", None);
}

#[test]
fn a_configured_zone_gives_no_warning() {
    for arguments in [&["--timezone", "Europe/Vienna"][..], &[]] {
        let mut fixture = fixture(Some("nonsense"), "?", Some("America/Chicago"));
        if arguments.is_empty() {
            fixture = fixture.env(&[("CACHED_VMS_TIMEZONE", "Europe/Vienna")]);
        }
        let config = fixture.config(arguments);
        assert_eq!((config.vms.timezone.name(), config.zone_warning()), ("Europe/Vienna", None));
    }
}

/// A root directory with two zones, one of them under two names.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, contents) in [
        ("usr/share/zoneinfo/America/Chicago", "TZif of Chicago"),
        ("usr/share/zoneinfo/US/Central", "TZif of Chicago"),
        ("usr/share/zoneinfo/posix/America/Chicago", "TZif of Chicago"),
        ("usr/share/zoneinfo/Europe/Vienna", "TZif of Vienna!"),
        ("usr/share/zoneinfo/tzdata.zi", "TZif of Chicago"),
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    fs::create_dir_all(root.path().join("etc")).unwrap();
    root
}

fn zone(root: &Path) -> SystemZone {
    let SystemZone { localtime, timezone } = SystemZone::read(root);
    let localtime = match localtime {
        Localtime::Is(path) => Localtime::Is(path.replace(&root.display().to_string(), "")),
        other => other,
    };
    SystemZone { localtime, timezone }
}

#[test]
fn localtime_is_followed_to_its_zone_and_a_copy_is_recognized_by_its_contents() {
    let root = root();
    let (at, localtime) = (root.path(), root.path().join("etc/localtime"));
    let is = |path: &str| Localtime::Is(path.to_owned());
    assert_eq!(zone(at), SystemZone::default());
    fs::write(at.join("etc/timezone"), "America/Chicago\n").unwrap();
    assert_eq!(zone(at).timezone.as_deref(), Some("America/Chicago"));

    symlink("../usr/share/zoneinfo/Europe/Vienna", &localtime).unwrap();
    assert_eq!(zone(at).localtime, is("/etc/../usr/share/zoneinfo/Europe/Vienna"));
    fs::rename(&localtime, at.join("etc/local")).unwrap();
    symlink("local", &localtime).unwrap();
    assert_eq!(zone(at).localtime, is("/etc/../usr/share/zoneinfo/Europe/Vienna"));
    fs::remove_file(&localtime).unwrap();

    fs::write(&localtime, "TZif of Chicago").unwrap();
    assert_eq!(zone(at).localtime, is("/usr/share/zoneinfo/America/Chicago"));
    fs::write(&localtime, "TZif of nowhere").unwrap();
    assert_eq!(zone(at).localtime, Localtime::Unknown);
    fs::remove_file(&localtime).unwrap();
    symlink("localtime", &localtime).unwrap();
    assert_eq!(zone(at).localtime, Localtime::Missing);
}
