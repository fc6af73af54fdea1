//! Checks between keys, and checks that a type cannot express.

use std::os::unix::ffi::OsStrExt;

use chrono::TimeDelta;

use super::error::shown;
use super::reader::Reader;
use super::secret::SecretFile;
use super::settings::{Config, Http, find};
use super::web::WebOrigin;

/// Longest path of a Unix socket, in bytes, that every kernel call takes.
const LONGEST_SOCKET_PATH: usize = 107;

/// Finds every contradiction among keys that are each valid.
pub(super) fn all(config: &Config, reader: &mut Reader<'_>) {
    schedule(config, reader);
    never_again(config, reader);
    ages(config, reader);
    places(config, reader);
    http(config, reader);
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
                    format!("replaces {name}, which is also set ({origin}); keep one of the two")
                });
            }
        }
    }
}

/// Finds cron expressions that never fire again: a schedule that has ended is an error.
fn never_again(config: &Config, reader: &mut Reader<'_>) {
    let now = reader.now().with_timezone(&config.schedule.timezone).naive_local();
    let stop = "to refresh only by hand, run `cachectl stop-scheduler`";
    let leave = "to disable it, remove the key";
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
    let notify = &config.notify;
    if notify.morning.is_some()
        && (notify.command.is_none() && notify.webhook.is_none() && notify.mail.is_none())
    {
        let others = [("notify", "command"), ("notify", "webhook"), ("notify", "mail")];
        refuse(reader, "notify", "morning", &others, || {
            "needs something to be sent over: notify.command, notify.webhook or notify.mail".to_owned()
        });
    }
    let length = config.socket.path.as_os_str().as_bytes().len();
    if length > LONGEST_SOCKET_PATH {
        refuse(reader, "socket", "path", &[], || {
            format!(
                "is {length} bytes long ({}), and the system allows {LONGEST_SOCKET_PATH}; choose a shorter one",
                shown(&config.socket.path.to_string_lossy())
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
    if let (true, Some(key)) = (sound, find(section, name)) {
        reader.refuse(key, allowed());
    }
}

/// Keys that VMS's sources and documents contain: everyone who can read those could sign cookies with them.
const PUBLISHED_KEYS: [&str; 3] =
    ["dev-secret-key-change-in-production", "your-secret-key-here", "your-secure-random-key-here"];

/// Shortest key of VMS's, in characters; a shorter one could be guessed and used to sign cookies.
const SHORTEST_KEY: usize = 16;

/// Shortest bearer token, in characters; a shorter one could be guessed.
const SHORTEST_TOKEN: usize = 20;

/// Checks that the status page is never open to other people by accident.
fn http(config: &Config, reader: &mut Reader<'_>) {
    let http = &config.http;
    secret_key(http, reader);
    token(http, reader);
    listen(http, reader);
    open_viewing(http, reader);
}

fn secret_key(http: &Http, reader: &mut Reader<'_>) {
    let Some(key) = http.secret_key_file.as_ref().map(SecretFile::expose) else { return };
    if let Some(what) = not_bare(key) {
        refuse(reader, "http", "secret_key_file", &[], || {
            format!("holds {what}; it must hold the SECRET_KEY that VMS runs with, and nothing else")
        });
    } else if key.is_empty() {
        refuse(reader, "http", "secret_key_file", &[], || {
            "is empty; it must hold the SECRET_KEY that VMS runs with".to_owned()
        });
    } else if key.chars().count() < SHORTEST_KEY {
        refuse(reader, "http", "secret_key_file", &[], || {
            format!(
                "holds a key of fewer than {SHORTEST_KEY} characters, which could be guessed; give VMS a longer \
                 SECRET_KEY (`openssl rand -hex 32` makes one) and put the same one here"
            )
        });
    } else if PUBLISHED_KEYS.contains(&key) {
        refuse(reader, "http", "secret_key_file", &[], || {
            "holds a key that VMS publishes, with which anyone can log in as any user; give VMS a SECRET_KEY of \
             its own and put the same one here"
                .to_owned()
        });
    }
}

/// Describes what a file holds beside the key itself, as when both were copied from VMS's `.env`.
fn not_bare(key: &str) -> Option<&'static str> {
    let (name, value) = key.split_once('=').unwrap_or_default();
    let quoted = |quote: char| key.len() > 1 && key.starts_with(quote) && key.ends_with(quote);
    if !value.is_empty() && name.trim_end().ends_with("SECRET_KEY") {
        Some("\"SECRET_KEY=\" in front of the key")
    } else if key.contains(['\n', '\r']) {
        Some("more than one line")
    } else if quoted('"') || quoted('\'') {
        Some("quotes around the key")
    } else {
        None
    }
}

fn token(http: &Http, reader: &mut Reader<'_>) {
    let Some(token) = http.token_file.as_ref().map(SecretFile::expose) else { return };
    if token.chars().count() < SHORTEST_TOKEN || !token.chars().all(|c| c.is_ascii_graphic()) {
        refuse(reader, "http", "token_file", &[], || {
            format!(
                "must hold one token of at least {SHORTEST_TOKEN} letters, digits and signs without blanks; \
                 `openssl rand -hex 32` makes one"
            )
        });
    }
}

fn listen(http: &Http, reader: &mut Reader<'_>) {
    let ways = http.secret_key_file.is_some() || http.token_file.is_some() || http.api_tokens;
    if !ways && !is_local(http) {
        let others = [("http", "secret_key_file"), ("http", "token_file"), ("http", "api_tokens")];
        refuse(reader, "http", "listen", &others, || {
            "serves other machines, but no login is possible: set http.secret_key_file, http.token_file or \
             http.api_tokens, or listen on a loopback address such as 127.0.0.1:8321"
                .to_owned()
        });
    }
}

/// Refuses open viewing behind a proxy, where all requests come from this machine: the page would be open to
/// the world.
fn open_viewing(http: &Http, reader: &mut Reader<'_>) {
    if !http.open_viewing {
        return;
    }
    let against = if !is_local(http) {
        Some(("listen", "http.listen is a loopback address"))
    } else if !http.trusted_proxies.is_empty() {
        Some(("trusted_proxies", "no proxy is in front of the daemon, but http.trusted_proxies names one"))
    } else if http.public_origin.as_ref().is_some_and(|origin| !is_local_origin(origin)) {
        Some((
            "public_origin",
            "no browser connects from another machine, but http.public_origin says otherwise",
        ))
    } else {
        None
    };
    if let Some((other, condition)) = against {
        refuse(reader, "http", "open_viewing", &[("http", other)], || {
            format!("is for this machine only: possible when {condition}")
        });
    }
}

fn is_local(http: &Http) -> bool {
    http.listen.is_none_or(|address| address.ip().to_canonical().is_loopback())
}

fn is_local_origin(origin: &WebOrigin) -> bool {
    let authority = origin.as_str().split("://").nth(1).unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        authority.strip_prefix(local).is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}
