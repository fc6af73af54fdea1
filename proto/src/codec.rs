//! Encodes and decodes messages. The only module that depends on the encoding library.
//!
//! Integers have a fixed width, little endian. That costs a few bytes compared with a variable width, but
//! makes the decoder's count of the bytes it has read equal to the bytes of the message: what may be sent may
//! be received, up to the last byte of the cap.

use std::error::Error;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::error::DecodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{Request, Response};

/// Maximum size of a message to the daemon, in bytes.
pub const REQUEST_CAP: usize = 1 << 20;

/// Maximum size of a message from the daemon, in bytes.
pub const RESPONSE_CAP: usize = 64 << 20;

/// Why a message could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[error("{}; {}", self.what(), self.hint())]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum CodecError {
    /// The message is, or claims to be, longer than its cap.
    TooLong { what: &'static str, cap: usize },
    /// Bytes follow the message.
    Trailing { what: &'static str, extra: usize },
    /// The bytes are not a valid message of the expected kind.
    Malformed { what: &'static str, why: &'static str },
    /// The message has no encoding.
    Unencodable { what: &'static str, source: Box<dyn Error + Send + Sync> },
}

impl CodecError {
    /// What is wrong, without the remedy.
    pub fn what(&self) -> String {
        match self {
            Self::TooLong { what, cap } => format!("a {what} is over the limit of {cap} bytes"),
            Self::Trailing { what, extra } => format!("{extra} bytes follow a {what}"),
            Self::Malformed { what, why } => format!("not a {what}: {why}"),
            Self::Unencodable { what, .. } => format!("a {what} cannot be encoded"),
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "ask for less at once",
            Self::Trailing { .. } | Self::Malformed { .. } => {
                "install cached and cachectl of the same version"
            }
            Self::Unencodable { .. } => "report this as a bug",
        }
    }
}

/// A message that travels in one frame.
pub trait Message: Serialize + DeserializeOwned {
    /// Name of the message in errors.
    const WHAT: &'static str;
    /// Maximum size of the encoding, in bytes.
    const CAP: usize;

    /// Encodes the message, into at most [`Self::CAP`] bytes.
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        // The limit of the configuration bounds decoding only.
        let bytes = bincode::serde::encode_to_vec(self, configuration::<0>())
            .map_err(|source| CodecError::Unencodable { what: Self::WHAT, source: source.into() })?;
        if bytes.len() > Self::CAP {
            return Err(CodecError::TooLong { what: Self::WHAT, cap: Self::CAP });
        }
        Ok(bytes)
    }

    /// Decodes the message that is exactly `bytes`.
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
    // Without the limit, a few bytes that announce a long string would make the allocator abort the process.
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

/// Describes a decoding error; the library's own messages name internals of its code.
const fn why(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::UnexpectedEnd { .. } => "it ends too early",
        DecodeError::UnexpectedVariant { .. } => "it names something that is unknown here",
        DecodeError::Utf8 { .. } => "one of its texts is not UTF-8",
        _ => "one of its values cannot be read",
    }
}
