//! What values mean, and which are refused.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDateTime, TimeDelta};
use proptest::prelude::*;

use super::super::CronExpr;
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
fn a_database_url_that_is_not_a_sqlite_path_is_refused() {
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
fn the_state_may_not_be_vmss_database_under_another_name() {
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
fn different_spellings_of_a_value_have_the_same_meaning() {
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
fn a_default_above_a_limit_that_was_set_is_lowered() {
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

fn civil(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

/// The days on which an expression fires next, as weekday and day of the month.
fn fires(expression: &str, count: usize) -> String {
    let expression: CronExpr = expression.parse().unwrap();
    // A Monday.
    let begin = civil("2026-11-30 00:00");
    let next = std::iter::successors(expression.next(begin), |at| expression.next(*at));
    next.take(count).map(|at| at.format("%a%-d").to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn weekdays_are_those_of_a_crontab() {
    for (weekdays, expected) in [
        ("*", "Mon30 Tue1 Wed2 Thu3 Fri4 Sat5 Sun6 Mon7"),
        ("?", "Mon30 Tue1 Wed2 Thu3 Fri4 Sat5 Sun6 Mon7"),
        ("0", "Sun6 Sun13"),
        ("1", "Mon30 Mon7"),
        ("6", "Sat5 Sat12"),
        ("7", "Sun6 Sun13"),
        ("00", "Sun6 Sun13"),
        ("1-5", "Mon30 Tue1 Wed2 Thu3 Fri4 Mon7"),
        ("5-7", "Fri4 Sat5 Sun6 Fri11"),
        ("0-3", "Mon30 Tue1 Wed2 Sun6 Mon7"),
        ("0-6", "Mon30 Tue1 Wed2 Thu3 Fri4 Sat5 Sun6 Mon7"),
        ("0-7", "Mon30 Tue1 Wed2 Thu3 Fri4 Sat5 Sun6 Mon7"),
        ("1-7", "Mon30 Tue1 Wed2 Thu3 Fri4 Sat5 Sun6 Mon7"),
        ("0,3", "Wed2 Sun6 Wed9"),
        ("1,3,5", "Mon30 Wed2 Fri4 Mon7"),
        ("0,7", "Sun6 Sun13"),
        ("1-2,6", "Mon30 Tue1 Sat5 Mon7"),
        ("*/2", "Tue1 Thu3 Sat5 Sun6 Tue8"),
        ("*/3", "Wed2 Sat5 Sun6 Wed9"),
        ("*/7", "Sun6 Sun13"),
        ("1-5/2", "Mon30 Wed2 Fri4 Mon7"),
        ("1-7/3", "Mon30 Thu3 Sun6 Mon7"),
        ("3/2", "Wed2 Fri4 Wed9"),
        ("Mon", "Mon30 Mon7"),
        ("SUN", "Sun6 Sun13"),
        ("sunday", "Sun6 Sun13"),
        ("Thurs", "Thu3 Thu10"),
        ("mon-FRI", "Mon30 Tue1 Wed2 Thu3 Fri4 Mon7"),
        ("Fri-Sun", "Fri4 Sat5 Sun6 Fri11"),
        ("Sun-Tue", "Mon30 Tue1 Sun6 Mon7"),
        ("Sun,wed", "Wed2 Sun6 Wed9"),
        ("Mon-Fri/2", "Mon30 Wed2 Fri4 Mon7"),
        ("Mon,6-7", "Mon30 Sat5 Sun6 Mon7"),
    ] {
        let expression = format!("0 0 2 * * {weekdays}");
        assert_eq!(fires(&expression, expected.split(' ').count()), expected, "{expression}");
    }
    assert_eq!(fires("@weekly", 2), "Sun6 Sun13");
    assert_eq!(fires("@midnight", 2), "Tue1 Wed2");
    assert_eq!(fires("@annually", 2), "Fri1 Sat1");
    assert_eq!(fires("0 0 2 * jan Mon 2027", 2), "Mon4 Mon11");
}

#[test]
fn an_invalid_cron_expression_names_the_field_and_its_allowed_values() {
    for (expression, part) in [
        ("0 2 * * *", "put \"0 \" in front, as in \"0 0 2 * * *\""),
        ("0 2 * * 1-5", "as in \"0 0 2 * * 1-5\""),
        ("", "6 or 7 fields"),
        ("nonsense", "6 or 7 fields"),
        ("@reboot", "6 or 7 fields"),
        ("0 0 2 * *  * * *", "6 or 7 fields"),
        ("0 60 2 * * *", "its minute, \"60\", cannot be read: 0 to 59, "),
        ("0 0 24 * * *", "its hour, \"24\", cannot be read: 0 to 23, "),
        ("0 0 2 0 * *", "its day of month, \"0\", cannot be read: 1 to 31, "),
        ("0 0 2 L * *", "its day of month, \"L\""),
        ("0 0 2 * 13 *", "its month, \"13\", cannot be read: 1 to 12 or names as in Jan, "),
        (
            "0 0 2 * * 8",
            "its weekday, \"8\", cannot be read: 0 to 7 (0 and 7 are Sunday, 1 is Monday) or names",
        ),
        ("0 0 2 * * 5-1", "its weekday, \"5-1\""),
        ("0 0 2 * * 5-0", "its weekday, \"5-0\""),
        ("0 0 2 * * Sat-Mon", "its weekday, \"Sat-Mon\""),
        ("0 0 2 * * Mo", "its weekday, \"Mo\""),
        ("0 0 2 * * Mondays", "its weekday, \"Mondays\""),
        ("0 0 2 * * 1,", "its weekday, \"1,\""),
        ("0 0 2 * * +1", "its weekday, \"+1\""),
        ("0 0 2 * * 1/0", "its weekday, \"1/0\""),
        ("0 0 2 * * */8", "its weekday, \"*/8\""),
        ("0 0 2 * * 1#2", "its weekday, \"1#2\""),
        ("0 0 2 * * * 1969", "its year, \"1969\", cannot be read: 1970 to 2100, "),
        ("* 0 2 * * *", "more than once a minute"),
    ] {
        let message = expression.parse::<CronExpr>().unwrap_err().to_string();
        assert!(message.contains(part), "{expression}: {message}");
    }
}

#[test]
fn excluded_years_do_not_hide_firings_of_earlier_years() {
    let expression: CronExpr = "0 0 2 * * * 2020-2025,2028".parse().unwrap();
    assert_eq!(expression.previous(civil("2026-11-30 03:00")), Some(civil("2025-12-31 02:00")));
    assert_eq!(expression.previous(civil("2028-01-01 00:00")), Some(civil("2025-12-31 02:00")));
    assert_eq!(expression.next(civil("2026-11-30 03:00")), Some(civil("2028-01-01 02:00")));
    assert_eq!(expression.previous(civil("2020-01-01 02:00")), None);
    assert_eq!(expression.next(civil("2028-12-31 02:00")), None);
}

#[test]
fn a_schedule_whose_years_have_passed_is_refused_with_its_last_date() {
    let load = |now: &str, line: &str| {
        let mut fixture = with_database(line);
        fixture.environment.now = now.parse().unwrap();
        fixture.load(&[]).map_err(|errors| errors.to_string())
    };
    // 02:00 in Chicago is 08:00 UTC in winter.
    for (section, key, instead) in
        [("schedule", "cron", "`cachectl stop-scheduler`"), ("maintenance", "analyze", "remove the key")]
    {
        let line = format!("[{section}]\n{key} = \"0 0 2 * * * 2020-2025\"");
        assert!(load("2025-12-31T07:59:59Z", &line).is_ok());
        for now in ["2025-12-31T08:00:00Z", "2026-11-30T12:00:00Z"] {
            let error = load(now, &line).unwrap_err();
            let part =
                "must have a date ahead, but the last date that matches this was 31 December 2025, 02:00; ";
            assert!(error.contains(part) && error.ends_with(instead), "{error}");
        }
    }
    assert!(load("2026-11-30T12:00:00Z", "[schedule]\ncron = \"0 0 2 * * * 2020-2025,2028\"").is_ok());
}

/// One item of a weekday field: its text, and the days that it means, counted from Sunday = 0.
fn item() -> impl Strategy<Value = (String, BTreeSet<usize>)> {
    const NAMES: [&str; 8] = ["Sun", "monday", "TUE", "wed", "thu", "Friday", "sAt", "sun"];
    let day = (0..8_usize, any::<bool>()).prop_map(|(day, named)| {
        let text = if named { NAMES[day].to_owned() } else { day.to_string() };
        (text, BTreeSet::from([day % 7]))
    });
    let range = (0..8_usize, 0..8_usize, any::<bool>(), 1..8_usize).prop_map(|(one, other, named, step)| {
        let (first, last) = (one.min(other), one.max(other));
        // By name, a range from Sunday to Sunday could be one day or eight.
        let named = named && (first, last) != (0, 7) && first != 7;
        let name = |day: usize| if named { NAMES[day].to_owned() } else { day.to_string() };
        let step_text = if step == 1 { String::new() } else { format!("/{step}") };
        // Defined by counting off the week, not by the field's grammar.
        let days = (0..8).filter(|day| *day >= first && *day <= last && (day - first) % step == 0);
        let text = format!("{}-{}{step_text}", name(first), name(last));
        (text, days.map(|day| day % 7).collect())
    });
    prop_oneof![day, range]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every day of a year fires if and only if its weekday is one of those that the field means.
    #[test]
    fn a_weekday_field_fires_on_the_days_that_it_means(items in prop::collection::vec(item(), 1..4)) {
        let field = items.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",");
        let expression: CronExpr = format!("0 30 2 * * {field}").parse().unwrap();
        let meant: BTreeSet<usize> = items.into_iter().flat_map(|(_, days)| days).collect();
        let dates = civil("2026-01-01 00:00").date().iter_days().take(365);
        let expected: Vec<_> = dates
            .filter(|date| meant.contains(&(date.weekday().num_days_from_sunday() as usize)))
            .map(|date| date.and_hms_opt(2, 30, 0).unwrap())
            .collect();
        let end = civil("2027-01-01 00:00");
        let forwards: Vec<_> = std::iter::successors(expression.next(civil("2025-12-31 23:59")), |at| expression.next(*at))
            .take_while(|at| *at < end)
            .collect();
        prop_assert_eq!(&forwards, &expected, "{}", field);
        let mut backwards: Vec<_> = std::iter::successors(expression.previous(end), |at| expression.previous(*at))
            .take_while(|at| *at >= civil("2026-01-01 00:00"))
            .collect();
        backwards.reverse();
        prop_assert_eq!(backwards, expected, "{}", field);
    }

    /// The next and the previous firing are those of an hour by hour search, also where years are left out.
    #[test]
    fn next_and_previous_are_what_a_search_through_the_hours_finds(
        hours in prop::collection::btree_set(0..24_u32, 1..3),
        days in prop::collection::btree_set(1..32_u32, 1..4),
        months in prop::collection::btree_set(1..13_u32, 1..4),
        years in prop::collection::btree_set(2024..2030_i32, 1..4),
        from in 0..3_000_i64,
        hour in 0..24_i64,
    ) {
        fn list<T: ToString>(set: &BTreeSet<T>) -> String {
            set.iter().map(T::to_string).collect::<Vec<_>>().join(",")
        }
        let text = format!("0 0 {} {} {} * {}", list(&hours), list(&days), list(&months), list(&years));
        let expression: CronExpr = text.parse().unwrap();
        let now = civil("2023-06-01 00:00") + TimeDelta::days(from) + TimeDelta::hours(hour);
        let dates = civil("2024-01-01 00:00").date().iter_days();
        let matching: Vec<_> = dates
            .take_while(|date| *date < civil("2030-01-01 00:00").date() + Days::new(1))
            .filter(|date| years.contains(&date.year()) && months.contains(&date.month()) && days.contains(&date.day()))
            .flat_map(|date| hours.iter().map(move |hour| date.and_hms_opt(*hour, 0, 0).unwrap()))
            .collect();
        prop_assert_eq!(expression.next(now), matching.iter().copied().find(|at| *at > now), "{} after {}", text, now);
        prop_assert_eq!(expression.previous(now), matching.iter().copied().rfind(|at| *at < now), "{} before {}", text, now);
    }
}
