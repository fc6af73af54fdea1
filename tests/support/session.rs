//! Cookies as VMS issues them, signed with a key that the tests know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha512;

/// VMS's `SECRET_KEY` in tests.
pub const KEY: &str = "a-key-that-only-tests-have-0123456789";

/// An administrator's row in VMS's table of users.
pub const ADMIN: &str = "INSERT INTO users (id, username, email, password_hash, security_level, scope_type, is_active, created_at, \
                         updated_at) VALUES (7, 'ada', 'ada@example.org', 'x', 3, 'global', 1, '2026-01-01', '2026-01-01')";

/// Returns the value of the remember cookie of user 7.
pub fn remember_admin() -> String {
    let hex: Vec<String> = remembered(b"7").iter().map(|byte| format!("{byte:02x}")).collect();
    format!("7|{}", hex.concat())
}

/// Returns the value of the session cookie of user 7, who logged in at this instant.
pub fn session_of_admin(seconds_since_1970: i64) -> String {
    let payload = URL_SAFE_NO_PAD.encode(r#"{"_fresh":true,"_user_id":"7"}"#);
    let bytes = seconds_since_1970.to_be_bytes();
    let since = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let value = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(&bytes[since..]));
    format!("{value}.{}", URL_SAFE_NO_PAD.encode(signature(&value)))
}

/// Returns VMS's signature of a session cookie's payload and time.
pub fn signature(value: &str) -> Vec<u8> {
    signed(&signed(KEY.as_bytes(), b"cookie-session"), value.as_bytes())
}

fn signed(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn remembered(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha512>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
