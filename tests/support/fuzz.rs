//! Properties that hold for any input from outside: one function per kind of input, which panics if they do not.
//!
//! `tests/fuzz` feeds them inputs from libFuzzer; a test feeds them the inputs that are kept.

/// A check of one input.
pub type Target = fn(&[u8]);

/// Every target, by the name of its directory of kept inputs.
pub const TARGETS: [(&str, Target); 6] = [
    ("config", config::check),
    ("message", message::check),
    ("payload", payload::check),
    ("session", session::check),
    ("time", time::check),
    ("wire", wire::check),
];

/// The configuration file.
mod config {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use cached::config::{Config, Instance, Overrides, ProcessEnvironment, SystemZone};
    use chrono::DateTime;
    use tempfile::TempDir;

    thread_local! {
        static DIRECTORY: TempDir = tempfile::tempdir().unwrap();
    }

    /// An accepted file prints as one with the same meaning; a refused one has a reason in each line.
    pub(super) fn check(bytes: &[u8]) {
        DIRECTORY.with(|directory| {
            let file = directory.path().join("cached.toml");
            match load(&file, bytes) {
                Ok(config) => {
                    let page = config.render();
                    // What is hidden cannot be read back.
                    let open = page.replace("\"(hidden)\"", "\"\"");
                    let again = load(&file, open.as_bytes()).expect("what it prints is refused");
                    assert_eq!(values(&again.render()), values(&open), "it prints as something else");
                }
                Err(errors) => {
                    assert_eq!(
                        errors.lines().count(),
                        errors.lines().filter(|line| !line.is_empty()).count()
                    );
                    assert!(!errors.is_empty());
                }
            }
        });
    }

    fn load(file: &Path, text: &[u8]) -> Result<Config, String> {
        std::fs::write(file, text).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let environment = ProcessEnvironment {
            env: BTreeMap::new(),
            cwd: "/nowhere".into(),
            uid: 1000,
            now: DateTime::UNIX_EPOCH,
            instance: Instance::default(),
            system_zone: SystemZone::linked("Europe/Vienna"),
            default_file: file.to_owned(),
        };
        let mut overrides = Overrides::default();
        overrides.set("--database", "database", "url", "/srv/vms.db");
        overrides.set("--state", "state", "url", "/srv/state.db");
        overrides.set("--socket", "socket", "path", "/srv/cached.sock");
        Config::load(&overrides, &environment).map_err(|errors| errors.to_string())
    }

    /// The page as values, without the comments that say where each came from.
    fn values(page: &str) -> toml::Table {
        page.parse().unwrap()
    }
}

/// Requests and responses.
mod message {
    use cached_proto::codec::Message;
    use cached_proto::message::{Request, Response};

    /// A message has one encoding: bytes that can be decoded are those that the message encodes to.
    pub(super) fn check(bytes: &[u8]) {
        both_ways::<Request>(bytes);
        both_ways::<Response>(bytes);
    }

    fn both_ways<M: Message>(bytes: &[u8]) {
        match M::decode(bytes) {
            Ok(message) => {
                assert_eq!(message.encode().unwrap(), bytes);
                // The JSON for scripts.
                cached_present::json::compact(&message).unwrap();
            }
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
        }
    }
}

/// What another program may have stored in a cache table.
mod payload {
    use cached::snapshot::{ReadDepth, read_existing};
    use cached::store::audit::audit;
    use cached::store::{AgeLimits, Freshness, Stamps};
    use cached::vms::tables::{Key, Table, spec};
    use chrono::{DateTime, TimeDelta, Utc};
    use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
    use serde::de::IgnoredAny;
    use tokio::runtime::{Builder, Runtime};

    const TABLE: Table = Table::DiaEventsReportCache;
    const NOW: DateTime<Utc> = DateTime::from_timestamp(1_773_576_000, 0).unwrap();

    /// No reader accepts deeper JSON: serde's limit is lower than SQLite's.
    const DEPTH: usize = 100;

    thread_local! {
        static VMS: (Runtime, DatabaseConnection) = {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let db = runtime.block_on(async {
                let db = Database::connect("sqlite::memory:").await.unwrap();
                cached_migrations::vms::create(&db, false).await.unwrap();
                let row = "INSERT INTO dia_events_report_cache (id, report_data, last_updated) VALUES (1, '', '')";
                db.execute_unprepared(row).await.unwrap();
                db
            });
            (runtime, db)
        };
    }

    /// The first line is a row's stamp, the rest its payload. A row is judged exactly once, and text that is not JSON is
    /// never taken for a report.
    pub(super) fn check(bytes: &[u8]) {
        let split = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (stamp, payload) = (&bytes[..split], bytes.get(split + 1..).unwrap_or_default());
        let rows = VMS.with(|(runtime, db)| runtime.block_on(stored(db, stamp, payload)));
        assert_eq!(rows.len(), 1, "{rows:?}");
        let row = &rows[0];
        if let Ok(text) = str::from_utf8(payload)
            // SQLite's text ends at a zero byte, and what reads as a number is stored as one in VMS's columns.
            && !text.contains('\0')
            && text.trim().parse::<f64>().is_err()
        {
            assert_eq!(row.bytes, payload.len() as u64);
            if text.matches(['[', '{']).count() < DEPTH {
                assert_eq!(row.valid, serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text:?}");
            }
        }
        assert!(row.valid || !row.complete, "{row:?}");

        let stamps = Stamps::default();
        let hours = TimeDelta::hours;
        let limits = AgeLimits { max_age: hours(24), refresh_after: hours(20), tolerance: hours(1) };
        let zone = chrono_tz::America::Chicago;
        let freshness = Freshness {
            spec: spec(TABLE),
            limits,
            zone,
            now: NOW,
            stamps: &stamps,
            fingerprint: String::new(),
        };
        let audit = audit(&[Key(Vec::new())], &rows, &freshness);
        assert_eq!(
            audit.fresh + audit.stale + audit.missing + audit.incomplete + audit.invalid,
            1,
            "{audit:?}"
        );
        assert_eq!(audit.invalid == 1, !row.valid || freshness.generated(row).is_none(), "{audit:?}");
        assert!(audit.fresh == 0 || row.complete, "{audit:?}");
        assert!(audit.accepted >= audit.fresh, "{audit:?}");
    }

    async fn stored(
        db: &DatabaseConnection,
        stamp: &[u8],
        payload: &[u8],
    ) -> Vec<cached::snapshot::ExistingRow> {
        let update = "UPDATE dia_events_report_cache SET last_updated = CAST(? AS TEXT), report_data = CAST(? AS TEXT)";
        let values = [stamp.to_vec().into(), payload.to_vec().into()];
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, update, values)).await.unwrap();
        read_existing(db, TABLE, ReadDepth::Shape).await.unwrap()
    }
}

/// VMS's session cookie, which any client may send.
mod session {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use cached::web::session_user;
    use chrono::{DateTime, Utc};

    use crate::session::{KEY, signature};

    const NOW: DateTime<Utc> = DateTime::from_timestamp(1_773_576_000, 0).unwrap();
    const LIFETIME: Duration = Duration::from_hours(8);

    /// A cookie that VMS has not signed identifies no user; one that it has signed identifies the user in it, until it
    /// expires.
    pub(super) fn check(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let user = |cookie: &str, now| session_user(KEY, cookie, LIFETIME, now);
        let genuine = text.rsplit_once('.').is_some_and(|(signed, given)| {
            URL_SAFE_NO_PAD.decode(given).is_ok_and(|given| given == signature(signed))
        });
        assert!(genuine || user(&text, NOW).is_none(), "{text:?} is not signed");

        // The same text as the contents of a cookie that VMS has signed, now and at its own time.
        let now = URL_SAFE_NO_PAD.encode(&NOW.timestamp().to_be_bytes()[4..]);
        let payload = URL_SAFE_NO_PAD.encode(bytes);
        for signed in [format!("{payload}.{now}"), format!("{text}.{now}"), text.to_string()] {
            let sign = URL_SAFE_NO_PAD.encode(signature(&signed));
            let cookie = format!("{signed}.{sign}");
            let Some(found) = user(&cookie, NOW) else { continue };
            if signed.starts_with(&payload) {
                let session: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                let named = session["_user_id"].as_str().and_then(|id| id.parse().ok());
                assert_eq!(named, Some(found), "the user is not the one that the session names");
            }
            assert_eq!(user(&cookie, NOW + LIFETIME + Duration::from_secs(1)), None, "it never expires");
            assert_eq!(user(&format!("{signed}x.{sign}"), NOW), None, "it can be changed");
            assert_eq!(session_user("another key", &cookie, LIFETIME, NOW), None, "any key will do");
        }
    }
}

/// Times as VMS stores them, and as scripts send them.
mod time {
    use cached::vms::time::{is_date, iso, parse, to_text};
    use cached_proto::time::Timestamp;
    use chrono::Timelike as _;

    /// A time that is parsed is written as the same time, in each of its forms.
    pub(super) fn check(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if let Some(at) = parse(&text) {
            let micros = at.with_nanosecond(at.nanosecond() / 1000 * 1000).unwrap();
            assert_eq!(parse(&to_text(at)), Some(micros), "{text:?} is written as {:?}", to_text(at));
            assert_eq!(parse(&iso(at)), Some(micros), "{text:?} is written as {:?}", iso(at));
            if to_text(at).len() == text.len() && to_text(at).starts_with(&text[..10]) {
                assert!(is_date(&text[..10]), "{text:?} has a date");
            }
        }
        let json = serde_json::to_string(&text).unwrap();
        if let Ok(at) = serde_json::from_str::<Timestamp>(&json) {
            let written = serde_json::to_string(&at).unwrap();
            assert_eq!(
                serde_json::from_str::<Timestamp>(&written).unwrap(),
                at,
                "{text:?} is written as {written}"
            );
        }
    }
}

/// The hello, and frames: what a peer sends before anything is known about it.
mod wire {
    use cached_proto::codec::Message;
    use cached_proto::frame::{Frames, client_framed, daemon_framed};
    use cached_proto::hello::{encode_client, encode_daemon, parse_client, parse_daemon};
    use tokio::io::empty;
    use tokio_util::bytes::BytesMut;
    use tokio_util::codec::{Decoder as _, Encoder as _};

    /// A hello that decodes encodes to the same bytes, and frames decode to the same messages however they arrive.
    pub(super) fn check(bytes: &[u8]) {
        if let Some(hello) = bytes.first_chunk()
            && let Ok(speaks) = parse_client(*hello)
        {
            assert_eq!(encode_client(speaks), *hello);
        }
        if let Some(hello) = bytes.first_chunk()
            && let Ok(answer) = parse_daemon(*hello)
        {
            assert_eq!(encode_daemon(answer), *hello);
        }
        let cut = usize::from(bytes.first().copied().unwrap_or_default()).min(bytes.len());
        frames(daemon_framed(empty()).codec_mut(), client_framed(empty()).codec_mut(), bytes, cut);
        frames(client_framed(empty()).codec_mut(), daemon_framed(empty()).codec_mut(), bytes, cut);
    }

    fn frames<In: Message, Out: Message>(
        reader: &mut Frames<In, Out>,
        writer: &mut Frames<Out, In>,
        bytes: &[u8],
        cut: usize,
    ) {
        let (at_once, left) = read(reader, &[bytes]);
        let (first, second) = bytes.split_at(cut);
        let (in_two, _) = read(reader, &[first, second]);
        let mut again = BytesMut::new();
        for message in &at_once {
            writer.encode(message, &mut again).unwrap();
        }
        assert_eq!(again, bytes[..again.len()], "what was read is not what was sent");
        assert!(again.len() + left <= bytes.len(), "more was read than there is");
        let encoded = |messages: &[In]| messages.iter().map(|m| m.encode().unwrap()).collect::<Vec<_>>();
        assert_eq!(encoded(&at_once), encoded(&in_two), "it matters how the bytes arrive");
    }

    /// Reads messages up to the first invalid one, and returns how many bytes are left.
    fn read<In: Message, Out: Message>(reader: &mut Frames<In, Out>, parts: &[&[u8]]) -> (Vec<In>, usize) {
        let mut incoming = BytesMut::new();
        let mut messages = Vec::new();
        for part in parts {
            incoming.extend_from_slice(part);
            loop {
                match reader.decode(&mut incoming) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(_) => return (messages, incoming.len()),
                }
            }
        }
        (messages, incoming.len())
    }
}
