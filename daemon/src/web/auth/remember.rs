//! The remember cookie of Flask-Login 0.6: `id|signature`. It has no timestamp and is valid for as long as
//! VMS's key.

use super::cookies::{Verdict, user_id};
use super::mac::{HmacSha512, is_hash};

/// The key that remember cookies are signed with.
pub(super) struct RememberKey(Option<Vec<u8>>);

impl RememberKey {
    /// Takes VMS's `SECRET_KEY`, which Flask-Login encodes as Latin-1. For a key with other characters it
    /// raises an exception, both when writing and when reading such a cookie: then no cookie is ever genuine.
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect())
    }

    /// Verifies a cookie.
    pub(super) fn read(&self, cookie: &str) -> Verdict<i64> {
        let Some(key) = &self.0 else { return Verdict::Void };
        let genuine = cookie.rsplit_once('|').filter(|(id, signature)| {
            from_hex(signature).is_some_and(|signature| is_hash::<HmacSha512>(key, id.as_bytes(), &signature))
        });
        match genuine {
            Some((id, _)) => user_id(id).map_or(Verdict::Void, Verdict::Sound),
            None => Verdict::Forged,
        }
    }
}

/// Decodes hexadecimal digits in lower case, the form in which the signature is written.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| if let &[high, low] = pair { Some(digit(high)? << 4 | digit(low)?) } else { None })
        .collect()
}
