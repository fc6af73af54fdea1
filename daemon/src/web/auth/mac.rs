//! Keyed hashes. Comparing takes as long for a wrong hash as for a right one, or an attacker could find it byte by byte.

use hmac::{Hmac, KeyInit, Mac};

pub(super) type HmacSha1 = Hmac<sha1::Sha1>;
pub(super) type HmacSha256 = Hmac<sha2::Sha256>;
pub(super) type HmacSha512 = Hmac<sha2::Sha512>;

/// The hash of the message; none if the key has no length that the hash takes, and these take any.
pub(super) fn hash<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Whether this is the whole hash of the message.
pub(super) fn is_hash<M: Mac + KeyInit>(key: &[u8], message: &[u8], hash: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(hash).is_ok()
    })
}
