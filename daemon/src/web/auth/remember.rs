//! The remember cookie of Flask-Login 0.6: `id|signature`. It has no time: it is good for as long as VMS's key.

use super::cookies::{Verdict, user_id};
use super::mac::{HmacSha512, is_hash};

/// What remember cookies are signed with.
pub(super) struct RememberKey(Option<Vec<u8>>);

impl RememberKey {
    /// VMS's `SECRET_KEY`, of which Flask-Login takes the Latin-1 bytes. With a key that has other characters it
    /// raises an exception, when it writes such a cookie and when it reads one: then none is ever genuine.
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect())
    }

    /// Judges a cookie.
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

/// Reads hexadecimal digits in lower case, which is how the signature is written.
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
