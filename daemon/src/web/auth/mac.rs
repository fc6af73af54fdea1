//! Keyed hashes. Comparison is constant-time; otherwise an attacker could find a hash byte by byte.

use hmac::{Hmac, KeyInit, Mac};

pub(super) type HmacSha1 = Hmac<sha1::Sha1>;
pub(super) type HmacSha256 = Hmac<sha2::Sha256>;
pub(super) type HmacSha512 = Hmac<sha2::Sha512>;

/// The hash of the message; `None` for a key length that the hash does not accept (those in use accept any).
pub(super) fn hash<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Whether `hash` is the complete hash of the message.
pub(super) fn is_hash<M: Mac + KeyInit>(key: &[u8], message: &[u8], hash: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(hash).is_ok()
    })
}
