//! The messages that an operator reads when something is wrong.

use super::{Fixture, with_database};

/// Lines of the file, and the whole message; `F` is the file.
const IN_THE_FILE: &[(&str, &str)] = &[
    ("[schedul]", "unknown section [schedul] (F line 3); did you mean [schedule]?"),
    (
        "[cache]\nmax_age_hours = 3",
        "unknown key cache.max_age_hours (F line 4); did you mean cache.max_cache_age_hours?",
    ),
    ("[schedule]\nlisten = \"x\"", "unknown key schedule.listen (F line 4); did you mean http.listen?"),
    (
        "[schedule]\nrefresh_interval_hours = 5",
        "schedule.refresh_interval_hours = 5 (F line 4): must divide 24: one of 1, 2, 3, 4, 6, 8, 12, 24",
    ),
    (
        "[schedule]\nrefresh_interval_hours = 0",
        "schedule.refresh_interval_hours = 0 (F line 4): must be from 1 to 24",
    ),
    (
        "[schedule]\nrefresh_interval_hours = -1",
        "schedule.refresh_interval_hours = -1 (F line 4): must be a whole number from 0 to 4294967295",
    ),
    (
        "[schedule]\nrefresh_interval_hours = \"6\"",
        "schedule.refresh_interval_hours = \"6\" (F line 4): must be a whole number without quotes",
    ),
    (
        "[schedule]\nrefresh_time = \"2 am\"",
        "schedule.refresh_time = \"2 am\" (F line 4): must be a time of day from 00:00 to 23:59, such as 02:00",
    ),
    (
        "[schedule]\nrefresh_time = \"24:00\"",
        "schedule.refresh_time = \"24:00\" (F line 4): must be a time of day from 00:00 to 23:59, such as 02:00",
    ),
    (
        "[schedule]\ntimezone = \"America/Chicgo\"",
        "schedule.timezone = \"America/Chicgo\" (F line 4): must be an IANA time zone such as America/Chicago; did you mean America/Chicago?",
    ),
    (
        "[schedule]\ncatch_up = \"yes\"",
        "schedule.catch_up = \"yes\" (F line 4): must be true or false without quotes",
    ),
    (
        "[schedule]\ncron = \"0 2 * * *\"",
        "schedule.cron = \"0 2 * * *\" (F line 4): has no field for seconds: put \"0 \" in front, as in \"0 0 2 * * *\"",
    ),
    (
        "[schedule]\ncron = \"hourly\"",
        "schedule.cron = \"hourly\" (F line 4): must be a cron expression of 6 or 7 fields (second minute hour day month weekday [year]), such as \"0 0 2 * * *\"",
    ),
    (
        "[schedule]\ncron = \"0 0 2 30 2 *\"",
        "schedule.cron = \"0 0 2 30 2 *\" (F line 4): must have a date ahead, but no date ever matches this; to refresh only by hand, run `cachectl stop-scheduler`",
    ),
    (
        "[maintenance]\nanalyze = \"0 0 2 31 feb *\"",
        "maintenance.analyze = \"0 0 2 31 feb *\" (F line 4): must have a date ahead, but no date ever matches this; to disable it, remove the key",
    ),
    (
        "[schedule]\ncron = \"0 0 2 * * 8\"",
        "schedule.cron = \"0 0 2 * * 8\" (F line 4): its weekday, \"8\", cannot be read: 0 to 7 (0 and 7 are Sunday, 1 is Monday) or names as in Mon, *, ranges as in 1-5, steps as in */2, lists of these",
    ),
    (
        "[maintenance]\nprune = \"0 0 25 * * *\"",
        "maintenance.prune = \"0 0 25 * * *\" (F line 4): its hour, \"25\", cannot be read: 0 to 23, *, ranges as in 1-5, steps as in */2, lists of these",
    ),
    (
        "[schedule]\ncron = \"*/20 * * * * *\"",
        "schedule.cron = \"*/20 * * * * *\" (F line 4): fires more than once a minute; let the first field, the seconds, be one number such as 0",
    ),
    (
        "[maintenance]\nprune = \"* 0 4 * * *\"",
        "maintenance.prune = \"* 0 4 * * *\" (F line 4): fires more than once a minute; let the first field, the seconds, be one number such as 0",
    ),
    (
        "[schedule]\nrefresh_time = \"02:00:30\"",
        "schedule.refresh_time = \"02:00:30\" (F line 4): must be a time of day from 00:00 to 23:59, such as 02:00",
    ),
    (
        "[schedule]\ncron = \"0 0 2 * * *\"\nrefresh_time = \"03:00\"",
        "schedule.cron = \"0 0 2 * * *\" (F line 4): replaces refresh_time, which is also set (F line 5); keep one of the two",
    ),
    (
        "[schedule]\ncron = \"0 0 2 * * *\"\nrefresh_interval_hours = 6",
        "schedule.cron = \"0 0 2 * * *\" (F line 4): replaces refresh_interval_hours, which is also set (F line 5); keep one of the two",
    ),
    (
        "[cache]\nrefresh_after_hours = 24",
        "cache.refresh_after_hours = 24 (F line 4): must be less than cache.max_cache_age_hours, which is 24",
    ),
    (
        "[cache]\nmax_cache_age_hours = 12\nrefresh_after_hours = 20",
        "cache.refresh_after_hours = 20 (F line 5): must be less than cache.max_cache_age_hours, which is 12",
    ),
    ("[compat]\nmode = \"loose\"", "compat.mode = \"loose\" (F line 4): must be one of fixed, exact"),
    (
        "[retry]\nbase_delay = \"2\"",
        "retry.base_delay = \"2\" (F line 4): must be a time with its unit, such as 500ms, 30s or 5m",
    ),
    (
        "[retry]\nbase_delay = \"10m\"",
        "retry.base_delay = \"10m\" (F line 4): must not be longer than retry.max_delay",
    ),
    ("[watch]\nquiet = \"6m\"", "watch.quiet = \"6m\" (F line 4): must not be longer than watch.max_delay"),
    ("[watch]\npoll = \"0s\"", "watch.poll = \"0s\" (F line 4): must be from 10ms to 1h"),
    ("[guard]\nmax_loss = 1.5", "guard.max_loss = 1.5 (F line 4): must be from 0 to 1"),
    ("[guard]\nmax_loss = nan", "guard.max_loss = nan (F line 4): must be from 0 to 1"),
    ("[guard]\nmax_loss = \"60%\"", "guard.max_loss = \"60%\" (F line 4): must be a number without quotes"),
    ("[targets]\nsuccess_rate = -0.1", "targets.success_rate = -0.1 (F line 4): must be from 0 to 1"),
    ("[targets]\nerror_rate = 2", "targets.error_rate = 2 (F line 4): must be from 0 to 1"),
    ("[targets]\nreadiness = 90", "targets.readiness = 90 (F line 4): must be from 0 to 1"),
    (
        "[http]\nlisten = \"8321\"",
        "http.listen = \"8321\" (F line 4): must be an address with a port, such as 127.0.0.1:8321, or empty to switch the page off",
    ),
    (
        "[http]\nlisten = \"0.0.0.0:8321\"",
        "http.listen = \"0.0.0.0:8321\" (F line 4): serves other machines, but no login is possible: set http.secret_key_file, http.token_file or http.api_tokens, or listen on a loopback address such as 127.0.0.1:8321",
    ),
    (
        "[http]\npublic_origin = \"https://x.org/vms\"",
        "http.public_origin = \"https://x.org/vms\" (F line 4): must be scheme, host and optional port only, such as https://vms.example.org",
    ),
    (
        "[http]\ntrusted_proxies = [\"10.0.0.0/33\"]",
        "http.trusted_proxies = 10.0.0.0/33 (F line 4): each must be an IP address or a network such as 10.0.0.0/8",
    ),
    (
        "[http]\ntrusted_proxies = [1, 2]",
        "http.trusted_proxies = [1,2] (F line 4): must be a list of texts such as [\"a\", \"b\"]",
    ),
    (
        "[log]\nlevel = \"loud\"",
        "log.level = \"loud\" (F line 4): must be one of error, warn, info, debug, trace",
    ),
    (
        "[log]\nmax_size = \"20\"",
        "log.max_size = \"20\" (F line 4): must be a size with its unit, such as 500KB, 20MB or 1GiB",
    ),
    (
        "[log]\nkeep_days = 99999999999999999999",
        "log.keep_days = 99999999999999999999 (F line 4): must be a whole number from 0 to 4294967295",
    ),
    (
        "[notify]\nping_url = \"example.org\"",
        "notify.ping_url = (hidden) (F line 4): must be a URL that begins with https:// or http://",
    ),
    (
        "[notify]\nformat = \"html\"",
        "notify.format = \"html\" (F line 4): must be one of json, slack, discord, teams, ntfy",
    ),
    (
        "[notify]\nmail = \"root\\nBcc: all\"",
        "notify.mail = \"root\\nBcc: all\" (F line 4): must be plain mail addresses, separated by commas, such \
         as office@example.org",
    ),
    (
        "[notify]\nmorning = \"8 am\"",
        "notify.morning = \"8 am\" (F line 4): must be a time of day from 00:00 to 23:59, such as 02:00",
    ),
    (
        "[notify]\nmorning = \"08:00\"",
        "notify.morning = \"08:00\" (F line 4): needs something to be sent over: notify.command, notify.webhook or notify.mail",
    ),
    ("[socket]\nwrite_group = \"\"", "socket.write_group = \"\" (F line 4): must not be empty"),
    (
        "[state]\nurl = \"//srv/./vms.db\"",
        "state.url = \"//srv/./vms.db\" (F line 4): must not be VMS's own database, /srv/vms.db",
    ),
    ("[state]\nurl = {}", "state.url = {…} (F line 4): must be a text in quotes"),
];

#[test]
fn a_wrong_file_names_key_value_line_and_what_is_allowed() {
    for (lines, message) in IN_THE_FILE {
        let errors = with_database(lines).errors(&[]);
        assert_eq!(errors, [message.replace("F line", "DIR/cached.toml line")], "{lines}");
    }
}

#[test]
fn a_key_outside_of_its_section_is_named_with_its_section() {
    let errors = Fixture::new().toml("refresh_time = \"02:00\"").errors(&["--database", "/a.db"]);
    assert_eq!(
        errors,
        ["unknown key refresh_time (DIR/cached.toml line 1); did you mean schedule.refresh_time?"]
    );
    let errors = Fixture::new().toml("state = \"x.db\"").errors(&["--database", "/a.db"]);
    assert_eq!(
        errors,
        ["state = x.db (DIR/cached.toml line 1): must be a section; write [state] on a line of its own"]
    );
}

#[test]
fn a_wrong_variable_names_the_variable() {
    let cases = [
        (("CACHED_HTTP_LISTN", "x"), "unknown variable CACHED_HTTP_LISTN; did you mean CACHED_HTTP_LISTEN?"),
        (("CACHED_SOCKT", "x"), "unknown variable CACHED_SOCKT; did you mean CACHED_SOCKET?"),
        (("CACHED_LOG_XYZ", "x"), "unknown variable CACHED_LOG_XYZ; did you mean CACHED_LOG_DIR?"),
        (
            ("CACHED_SCHEDULE_CATCH_UP", "maybe"),
            "schedule.catch_up = \"maybe\" (variable CACHED_SCHEDULE_CATCH_UP): must be true or false",
        ),
        (
            ("CACHED_LOG_DIR", "/l\u{fffd}"),
            "log.dir = \"/l\u{fffd}\" (variable CACHED_LOG_DIR): must be valid UTF-8",
        ),
    ];
    for (variable, message) in cases {
        assert_eq!(with_database("").env(&[variable]).errors(&[]), [message]);
    }
}

#[test]
fn two_variables_for_one_key_must_agree() {
    let variables = [("CACHED_SOCKET", "/a.sock"), ("CACHED_SOCKET_PATH", "/b.sock")];
    let message = "socket.path = \"/b.sock\" (variable CACHED_SOCKET_PATH): CACHED_SOCKET has another value; \
                   keep one of the two";
    assert_eq!(with_database("").env(&variables).errors(&[]), [message]);
}

#[test]
fn a_wrong_flag_names_the_flag() {
    let message = "database.url = \"postgresql://db/vms\" (flag --database): PostgreSQL is not supported yet; \
                   must be the path of a SQLite file, with or without sqlite:// in front";
    assert_eq!(Fixture::new().errors(&["--database", "postgresql://db/vms"]), [message]);
}

#[test]
fn without_a_database_the_message_says_how_to_set_it() {
    let message = "database.url is not set: give --database PATH, set the variable CACHED_DATABASE_URL, or write \
                   url = \"…\" below [database] in the configuration file";
    assert_eq!(Fixture::new().errors(&[]), [message]);
    let mut north = Fixture::new();
    north.environment.instance = "north".parse().unwrap();
    assert_eq!(north.errors(&[]), [message.replace("the configuration file", "DIR/cached.toml")]);
}

#[test]
fn a_long_socket_path_names_its_length() {
    let at_the_limit = format!("/{}", "s".repeat(106));
    assert!(with_database("").load(&["--socket", &at_the_limit]).is_ok());
    let errors = with_database("").errors(&["--socket", &format!("{at_the_limit}s")]);
    assert!(errors[0].contains("is 108 bytes long") && errors[0].contains("107"), "{errors:?}");
}

#[test]
fn a_named_file_must_exist() {
    let fixture = Fixture::new();
    let errors = fixture.errors(&["--config", fixture.path("no.toml").to_str().unwrap()]);
    assert_eq!(
        errors,
        ["cannot read the configuration file DIR/no.toml: No such file or directory (os error 2); \
          check the path after --config and its permissions"]
    );
}

#[test]
fn a_syntax_error_names_line_and_column() {
    let errors = Fixture::new().toml("[database]\nurl = \"ü\" x\n[cache").errors(&[]);
    assert!(errors[0].starts_with("DIR/cached.toml line 2, column 11: "), "{errors:?}");
    assert!(errors.iter().any(|error| error.starts_with("DIR/cached.toml line 3, column 7: ")), "{errors:?}");
    // Keys that the broken file may have set are not reported as missing.
    assert!(errors.iter().all(|error| error.starts_with("DIR/cached.toml line")), "{errors:?}");
}

#[test]
fn a_key_that_is_set_twice_is_a_syntax_error() {
    let errors = with_database("[cache]\nprune_after_days = 1\nprune_after_days = 2").errors(&[]);
    assert!(errors.len() == 1 && errors[0].starts_with("DIR/cached.toml line 5, column 1: "), "{errors:?}");
}

#[test]
fn all_errors_are_reported_together() {
    let errors = Fixture::new()
        .toml("[cach]\n[schedule]\nrefresh_interval_hours = 7\nrefresh_time = \"x\"\n[guard]\nmax_los = 1")
        .env(&[("CACHED_HTTP_LISTEN", "0.0.0.0:1"), ("CACHED_HTTP_NOPE", "")])
        .errors(&["--timezone", "Mars"]);
    let about = [
        "[cach]",
        "guard.max_los",
        "CACHED_HTTP_NOPE",
        "refresh_interval_hours",
        "refresh_time",
        "schedule.timezone",
        "vms.timezone",
        "database.url",
        "http.listen",
    ];
    for word in about {
        assert_eq!(errors.iter().filter(|error| error.contains(word)).count(), 1, "{word}: {errors:#?}");
    }
    assert_eq!(errors.len(), about.len(), "{errors:#?}");
}

#[test]
fn an_invalid_value_is_not_also_reported_as_a_contradiction() {
    let errors = with_database("[cache]\nmax_cache_age_hours = \"x\"\nrefresh_after_hours = 30").errors(&[]);
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn a_message_is_one_line_whatever_the_value() {
    let errors = with_database("[log]\nlevel = \"a\\nb\\u001b[31m\\u202e\\u2028\"").errors(&[]);
    assert_eq!(
        errors,
        ["log.level = \"a\\nb\\u{1b}[31m\\u{202e}\\u{2028}\" (DIR/cached.toml line 4): \
          must be one of error, warn, info, debug, trace"]
    );
}

#[test]
fn an_unrelated_variable_with_our_prefix_is_ignored() {
    for name in ["CACHED_HOME", "CACHED_BIN", "CACHED_LOGBOOK"] {
        with_database("").env(&[(name, "x")]).config(&[]);
    }
}
