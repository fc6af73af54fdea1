//! The zone that VMS is guessed to run in, and when the guess is doubted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::{Localtime, SystemZone};
use super::{Fixture, with_database};

fn fixture(tz: Option<&str>, localtime: &str, timezone: Option<&str>) -> Fixture {
    let mut fixture = with_database("");
    fixture.around.now = "2026-11-30T12:00:00Z".parse().unwrap();
    fixture.around.system_zone = SystemZone {
        localtime: match localtime {
            "" => Localtime::Missing,
            "?" => Localtime::Unknown,
            path => Localtime::Is(path.to_owned()),
        },
        timezone: timezone.map(str::to_owned),
    };
    fixture.around.env.extend(tz.map(|tz| ("TZ".to_owned(), tz.to_owned())));
    fixture
}

/// Checks the guessed zone, and whether and why it is doubted.
fn check(tz: Option<&str>, localtime: &str, timezone: Option<&str>, zone: &str, doubt: Option<&str>) {
    let config = fixture(tz, localtime, timezone).config(&[]);
    assert_eq!(config.vms.timezone.name(), zone, "{tz:?} {localtime} {timezone:?}");
    let doubt = doubt.map(|doubt| format!("vms.timezone is not set and guessed to be {zone}, but {doubt}"));
    assert_eq!(config.zone_doubt(), doubt, "{tz:?} {localtime} {timezone:?}");
    assert_eq!(config.schedule.timezone.name(), "America/Chicago");
}

const CHICAGO: &str = "/usr/share/zoneinfo/America/Chicago";

#[test]
fn a_zone_that_is_named_in_any_usual_way_is_understood() {
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
fn sources_that_disagree_are_named() {
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
fn what_names_no_zone_is_doubted_unless_something_better_does() {
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
    // TZ comes first, and the others say nothing against it.
    check(Some("America/Chicago"), "?", Some("nonsense"), "America/Chicago", None);
}

#[test]
fn a_zone_that_is_set_is_not_doubted() {
    for arguments in [&["--timezone", "Europe/Vienna"][..], &[]] {
        let mut fixture = fixture(Some("nonsense"), "?", Some("America/Chicago"));
        if arguments.is_empty() {
            fixture = fixture.env(&[("CACHED_VMS_TIMEZONE", "Europe/Vienna")]);
        }
        let config = fixture.config(arguments);
        assert_eq!((config.vms.timezone.name(), config.zone_doubt()), ("Europe/Vienna", None));
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
