//! Messages to bytes and back. The only module that knows the encoding library.
//!
//! Integers have their fixed width, little endian. That costs a few bytes against the variable width, and
//! buys that the decoder's own count of what it has read equals the bytes of the message: what may be sent
//! may be received, up to the last byte of the cap.

use std::error::Error;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::error::DecodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{Request, Response};

/// Most bytes of a message to the daemon.
pub const REQUEST_CAP: usize = 1 << 20;

/// Most bytes of a message from the daemon.
pub const RESPONSE_CAP: usize = 64 << 20;

/// Why a message could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It is, or claims to be, longer than its cap.
    #[error("a {what} is over the limit of {cap} bytes; ask for less at once")]
    TooLong {
        /// What kind of message.
        what: &'static str,
        /// Its cap in bytes.
        cap: usize,
    },
    /// Bytes follow the message.
    #[error("{extra} bytes follow a {what}; install cached and cachectl of the same version")]
    Trailing {
        /// What kind of message.
        what: &'static str,
        /// How many bytes.
        extra: usize,
    },
    /// The bytes are no such message.
    #[error("not a {what}: {why}; install cached and cachectl of the same version")]
    Malformed {
        /// What kind of message was expected.
        what: &'static str,
        /// What is wrong with them.
        why: &'static str,
    },
    /// The message has no encoding.
    #[error("a {what} cannot be encoded; report this as a bug")]
    Unencodable {
        /// What kind of message.
        what: &'static str,
        /// What the encoder says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What travels in one frame.
pub trait Message: Serialize + DeserializeOwned {
    /// What it is called in errors.
    const WHAT: &'static str;
    /// Most bytes of its encoding.
    const CAP: usize;

    /// The message as bytes, at most [`Self::CAP`] of them.
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        // The limit of the configuration bounds decoding only.
        let bytes = bincode::serde::encode_to_vec(self, configuration::<0>())
            .map_err(|source| CodecError::Unencodable { what: Self::WHAT, source: source.into() })?;
        if bytes.len() > Self::CAP {
            return Err(CodecError::TooLong { what: Self::WHAT, cap: Self::CAP });
        }
        Ok(bytes)
    }

    /// The message that is exactly `bytes`.
    fn decode(bytes: &[u8]) -> Result<Self, CodecError>;
}

impl Message for Request {
    const WHAT: &'static str = "request";
    const CAP: usize = REQUEST_CAP;

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        decode_within::<Self, REQUEST_CAP>(bytes)
    }
}

impl Message for Response {
    const WHAT: &'static str = "response";
    const CAP: usize = RESPONSE_CAP;

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        decode_within::<Self, RESPONSE_CAP>(bytes)
    }
}

const fn configuration<const CAP: usize>() -> Configuration<LittleEndian, Fixint, Limit<CAP>> {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<CAP>()
}

fn decode_within<M: Message, const CAP: usize>(bytes: &[u8]) -> Result<M, CodecError> {
    // Without the limit a few bytes that promise a long string would make the allocator abort the process.
    let (message, read) = match bincode::serde::decode_from_slice(bytes, configuration::<CAP>()) {
        Ok(decoded) => decoded,
        Err(DecodeError::LimitExceeded) => return Err(CodecError::TooLong { what: M::WHAT, cap: CAP }),
        Err(error) => return Err(CodecError::Malformed { what: M::WHAT, why: why(&error) }),
    };
    match bytes.len() - read {
        0 => Ok(message),
        extra => Err(CodecError::Trailing { what: M::WHAT, extra }),
    }
}

/// The decoder's own words are names of its code.
const fn why(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::UnexpectedEnd { .. } => "it ends too early",
        DecodeError::UnexpectedVariant { .. } => "it names something that is unknown here",
        DecodeError::Utf8 { .. } => "one of its texts is not UTF-8",
        _ => "one of its values cannot be read",
    }
}
