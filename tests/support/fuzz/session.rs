//! VMS's session cookie, which anybody may send.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cached::web::session_user;
use chrono::{DateTime, Utc};

use crate::session::{KEY, signature};

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_773_576_000, 0).unwrap();
const LIFETIME: Duration = Duration::from_hours(8);

/// A cookie that VMS has not signed is nobody's; one that it has is the user's that it names, until it expires.
pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let user = |cookie: &str, now| session_user(KEY, cookie, LIFETIME, now);
    let genuine = text.rsplit_once('.').is_some_and(|(signed, given)| {
        URL_SAFE_NO_PAD.decode(given).is_ok_and(|given| given == signature(signed))
    });
    assert!(genuine || user(&text, NOW).is_none(), "{text:?} is not signed");

    // The same text as the contents of a cookie that VMS has signed, now and whenever it says.
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
