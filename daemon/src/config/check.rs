//! Checks between keys, and checks that a type cannot express.

mod http;

use std::os::unix::ffi::OsStrExt;

use chrono::TimeDelta;

use super::nearest;
use super::reader::Reader;
use super::settings::Config;

/// Longest path of a Unix socket, in bytes, that every kernel call takes.
const LONGEST_SOCKET_PATH: usize = 107;

/// Finds every contradiction among keys that are each valid.
pub(super) fn all(config: &Config, reader: &mut Reader<'_>) {
    schedule(config, reader);
    never_again(config, reader);
    ages(config, reader);
    places(config, reader);
    http::all(config, reader);
}

fn schedule(config: &Config, reader: &mut Reader<'_>) {
    let hours = config.schedule.refresh_interval_hours;
    if hours == 0 || 24 % hours != 0 {
        refuse(reader, "schedule", "refresh_interval_hours", &[], || {
            "must divide 24: one of 1, 2, 3, 4, 6, 8, 12, 24".to_owned()
        });
    }
    if config.schedule.cron.is_some() {
        for name in ["refresh_time", "refresh_interval_hours"] {
            if let Some(origin) = reader.origin("schedule", name).cloned() {
                refuse(reader, "schedule", "cron", &[("schedule", name)], || {
                    format!("replaces {name}, which is set too ({origin}); keep one of the two")
                });
            }
        }
    }
}

/// Finds cron expressions without a firing ahead: a schedule that has ended is no schedule.
fn never_again(config: &Config, reader: &mut Reader<'_>) {
    let now = reader.now().with_timezone(&config.schedule.timezone).naive_local();
    let stop = "to refresh only by hand, `cachectl stop-scheduler`";
    let leave = "to do without it, leave the key out";
    for (section, name, cron, instead) in [
        ("schedule", "cron", &config.schedule.cron, stop),
        ("maintenance", "analyze", &config.maintenance.analyze, leave),
        ("maintenance", "prune", &config.maintenance.prune, leave),
        ("maintenance", "backup", &config.maintenance.backup, leave),
    ] {
        let Some(cron) = cron.as_ref().filter(|cron| cron.next(now).is_none()) else { continue };
        let why = cron.previous(now + TimeDelta::seconds(1)).map_or_else(
            || "no date ever matches this".to_owned(),
            |last| format!("the last date that matches this was {}", last.format("%-d %B %Y, %H:%M")),
        );
        refuse(reader, section, name, &[("schedule", "timezone")], || {
            format!("must have a date ahead, but {why}; {instead}")
        });
    }
}

/// Checks lower limits against upper limits. A default above a limit that was set gives way without an error.
fn ages(config: &Config, reader: &mut Reader<'_>) {
    let (young, old) = (config.cache.refresh_after_hours, config.cache.max_cache_age_hours);
    if young >= old && reader.origin("cache", "refresh_after_hours").is_some() {
        refuse(reader, "cache", "refresh_after_hours", &[("cache", "max_cache_age_hours")], || {
            format!("must be less than cache.max_cache_age_hours, which is {old}")
        });
    }
    if config.retry.base_delay > config.retry.max_delay && reader.origin("retry", "base_delay").is_some() {
        refuse(reader, "retry", "base_delay", &[("retry", "max_delay")], || {
            "must not be longer than retry.max_delay".to_owned()
        });
    }
    if config.watch.quiet > config.watch.max_delay && reader.origin("watch", "quiet").is_some() {
        refuse(reader, "watch", "quiet", &[("watch", "max_delay")], || {
            "must not be longer than watch.max_delay".to_owned()
        });
    }
}

fn places(config: &Config, reader: &mut Reader<'_>) {
    if config.state.url.is_same_file(&config.database.url) {
        refuse(reader, "state", "url", &[("database", "url")], || {
            format!("must not be VMS's own database, {}", config.database.url)
        });
    }
    if config.maintenance.backup.is_some() && config.maintenance.backup_dir.is_none() {
        refuse(reader, "maintenance", "backup", &[("maintenance", "backup_dir")], || {
            "needs maintenance.backup_dir, the directory that the copies go to".to_owned()
        });
    }
    let length = config.socket.path.as_os_str().as_bytes().len();
    if length > LONGEST_SOCKET_PATH {
        refuse(reader, "socket", "path", &[], || {
            format!(
                "is {length} bytes long ({}), and the system allows {LONGEST_SOCKET_PATH}; choose a shorter one",
                super::text::shown(&config.socket.path.to_string_lossy())
            )
        });
    }
}

/// Reports an error of a key, unless it or one of the others has an error already: a contradiction with a
/// placeholder would not help the operator.
fn refuse(
    reader: &mut Reader<'_>,
    section: &str,
    name: &str,
    others: &[(&str, &str)],
    allowed: impl FnOnce() -> String,
) {
    let sound =
        reader.is_good(section, name) && others.iter().all(|(section, name)| reader.is_good(section, name));
    if let (true, Some(key)) = (sound, nearest::find(section, name)) {
        reader.refuse(key, allowed());
    }
}
