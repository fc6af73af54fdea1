//! How values are written.

use std::time::Duration;

use super::{Fixture, path, shown, with_database};

#[test]
fn the_database_is_a_path_with_or_without_scheme() {
    let cases = [
        ("sqlite:///srv/x.db", "/srv/x.db"),
        ("sqlite:////srv/x.db", "/srv/x.db"),
        ("SQLITE:///srv/x.db", "/srv/x.db"),
        ("sqlite://x.db", "/here/x.db"),
        ("sqlite://./sub//x.db", "/here/sub/x.db"),
        ("sqlite:///srv/a b%20ü.db", "/srv/a b%20ü.db"),
        ("x.db", "/here/x.db"),
        ("../x.db", "/here/../x.db"),
        ("/srv/x.db", "/srv/x.db"),
        ("//srv/x.db", "/srv/x.db"),
        ("/srv/what?.db", "/srv/what?.db"),
    ];
    for (given, expected) in cases {
        let config = Fixture::new().config(&["--database", given]);
        assert_eq!(config.database.url.as_path(), path(expected), "{given}");
        assert_eq!(config.database.url.to_string(), expected, "{given}");
    }
}

#[test]
fn anything_else_is_no_database() {
    let allowed = "must be the path of a SQLite file, with or without sqlite:// in front";
    let not_yet = "PostgreSQL is not supported yet";
    let cases = [
        ("postgres://db/vms", not_yet),
        ("POSTGRESQL://db/vms", not_yet),
        ("postgresql+psycopg2://db/vms", not_yet),
        ("sqlite:///srv/x.db?mode=ro", "options after \"?\" are not supported"),
        ("sqlite:x.db", allowed),
        ("sqlite://", allowed),
        ("sqlite:///", allowed),
        ("sqlite::memory:", allowed),
        ("sqlite://:memory:", allowed),
        (":memory:", allowed),
        ("mysql://db/vms", allowed),
        ("/srv/", allowed),
        ("", allowed),
    ];
    for (given, message) in cases {
        let errors = Fixture::new().errors(&["--database", given]);
        assert!(errors.len() == 1 && errors[0].contains(message), "{given}: {errors:?}");
    }
}

#[test]
fn one_file_under_two_names_is_refused() {
    let fixture = Fixture::new().file("vms.db", "");
    std::os::unix::fs::symlink(fixture.path("vms.db"), fixture.path("link.db")).unwrap();
    std::os::unix::fs::symlink(fixture.dir.path(), fixture.path("sub")).unwrap();
    for (database, state) in [("vms.db", "link.db"), ("vms.db", "sub/vms.db"), ("new.db", "sub/new.db")] {
        let (database, state) = (fixture.path(database), fixture.path(state));
        let errors =
            fixture.errors(&["--database", database.to_str().unwrap(), "--state", state.to_str().unwrap()]);
        assert!(errors[0].contains("must not be VMS's own database"), "{errors:?}");
    }
}

#[test]
fn a_value_means_the_same_however_it_is_written() {
    let cases = [
        ("log", "max_size", "500KB", "\"500KB\""),
        ("log", "max_size", "2048 KiB", "\"2MiB\""),
        ("log", "max_size", "20mb", "\"20MB\""),
        ("retry", "base_delay", "1m 30s", "\"1m 30s\""),
        ("retry", "base_delay", "90s", "\"1m 30s\""),
        ("schedule", "refresh_time", "23:59", "\"23:59\""),
        ("schedule", "catch_up", "OFF", "false"),
        ("guard", "max_loss", "1", "1.0"),
        ("http", "listen", "localhost:0", "\"127.0.0.1:0\""),
        ("http", "listen", "[::1]:80", "\"[::1]:80\""),
        ("http", "public_origin", "HTTPS://VMS.example.org/", "\"https://vms.example.org\""),
        ("http", "trusted_proxies", "127.0.0.1, 10.0.0.0/8", "[\"127.0.0.1\", \"10.0.0.0/8\"]"),
        ("maintenance", "analyze", "0 30 3 * * Sun", "\"0 30 3 * * Sun\""),
        ("schedule", "cron", "0 0 2 * * * 2027-2030", "\"0 0 2 * * * 2027-2030\""),
        ("districts", "file", "d.toml", "\"/here/d.toml\""),
    ];
    for (section, name, given, expected) in cases {
        let variable = format!("CACHED_{section}_{name}").to_uppercase();
        let config = with_database("").env(&[(&variable, given)]).config(&[]);
        assert_eq!(shown(&config, section, name), expected, "{given}");
    }
}

#[test]
fn the_file_may_use_the_types_of_toml() {
    let config = with_database(
        "[schedule]\nrefresh_time = 03:30\nrefresh_interval_hours = 0x0c\n[guard]\nmax_loss = 1\nmin_rows = 1_000\n\
         [http]\ntrusted_proxies = [\"::1\"]\n[watch]\nenabled = false\nquiet = \"45s\"",
    )
    .config(&[]);
    assert_eq!(config.schedule.refresh_time.to_string(), "03:30:00");
    assert_eq!(config.schedule.refresh_interval_hours, 12);
    assert!((config.guard.max_loss - 1.0).abs() < f64::EPSILON);
    assert_eq!(config.guard.min_rows, 1000);
    assert!(!config.watch.enabled);
    assert_eq!(config.watch.quiet, Duration::from_secs(45));
}

#[test]
fn a_default_gives_way_to_a_limit_that_somebody_has_set() {
    for lines in
        ["[cache]\nmax_cache_age_hours = 12", "[retry]\nmax_delay = \"1s\"", "[watch]\nmax_delay = \"5s\""]
    {
        let loaded = with_database(lines).load(&[]);
        assert!(loaded.is_ok(), "{lines}: {}", loaded.unwrap_err());
    }
}

#[test]
fn a_network_holds_the_addresses_that_share_its_prefix() {
    let cases = [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("128.0.0.0/1", "203.0.113.9", true),
        ("128.0.0.0/1", "::1", false),
        ("2000::/3", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
    ];
    for (network, address, inside) in cases {
        let config = with_database("").env(&[("CACHED_HTTP_TRUSTED_PROXIES", network)]).config(&[]);
        let network = config.http.trusted_proxies[0];
        assert_eq!(network.contains(address.parse().unwrap()), inside, "{network} {address}");
    }
}
