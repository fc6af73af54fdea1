//! Requests and responses.

use cached_proto::codec::Message;
use cached_proto::message::{Request, Response};

/// A message has one encoding: what can be decoded is what would have been encoded.
pub(super) fn check(bytes: &[u8]) {
    both_ways::<Request>(bytes);
    both_ways::<Response>(bytes);
}

fn both_ways<M: Message>(bytes: &[u8]) {
    match M::decode(bytes) {
        Ok(message) => {
            assert_eq!(message.encode().unwrap(), bytes);
            // What scripts are shown.
            cached_present::json::compact(&message).unwrap();
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
}
