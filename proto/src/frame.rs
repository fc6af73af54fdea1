//! Frames: the length of a message in four bytes, little endian, then the message.
//!
//! A frame that is too long or ends early, or a message that cannot be decoded, ends the *stream* of
//! incoming messages. The *sink* still works, so that the daemon can answer with a fault before it hangs up.

use std::io;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Decoder, Encoder, Framed};

use crate::codec::{CodecError, Message};
pub use crate::codec::{REQUEST_CAP, RESPONSE_CAP};
use crate::message::{Request, Response};

/// Bytes of the length before each message.
const HEAD: usize = 4;

/// The daemon's end of a connection: a stream of requests and a sink of responses.
pub type DaemonFrames<S> = Framed<S, Frames<Request, Response>>;

/// The client's end of a connection: a stream of responses and a sink of requests.
pub type ClientFrames<S> = Framed<S, Frames<Response, Request>>;

/// Frames `io` as the daemon does, after the hello.
pub fn daemon_framed<S: AsyncRead + AsyncWrite>(io: S) -> DaemonFrames<S> {
    Framed::new(io, Frames(PhantomData))
}

/// Frames `io` as the client does, after the hello.
pub fn client_framed<S: AsyncRead + AsyncWrite>(io: S) -> ClientFrames<S> {
    Framed::new(io, Frames(PhantomData))
}

/// Why no further message can be read, or why one could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced a frame over the cap.
    #[error("the peer announced a frame of more than {cap} bytes; ask for less at once")]
    TooLong {
        /// The cap in bytes.
        cap: usize,
    },
    /// The connection ended within a frame.
    #[error("the connection ended in the middle of a message; check the peer's log")]
    CutOff,
    /// The connection failed.
    #[error("the connection failed; check the peer's log")]
    Io(#[from] io::Error),
    /// The frame is complete but does not hold a valid message.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Splits a connection into messages of two kinds, each with the cap of its direction.
#[derive(Debug)]
pub struct Frames<In, Out>(PhantomData<fn(Out) -> In>);

impl<In: Message, Out: Message> Decoder for Frames<In, Out> {
    type Item = In;
    type Error = FrameError;

    fn decode(&mut self, incoming: &mut BytesMut) -> Result<Option<In>, FrameError> {
        let Some(head) = incoming.first_chunk::<HEAD>() else { return Ok(None) };
        // A length that does not fit the machine is over every cap as well.
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        if length > In::CAP {
            return Err(FrameError::TooLong { cap: In::CAP });
        }
        // No memory is reserved for the announced length: it grows with the bytes that arrive, so a peer
        // cannot make many connections expensive with four bytes each.
        if incoming.len() - HEAD < length {
            return Ok(None);
        }
        incoming.advance(HEAD);
        Ok(Some(In::decode(&incoming.split_to(length))?))
    }

    fn decode_eof(&mut self, incoming: &mut BytesMut) -> Result<Option<In>, FrameError> {
        match self.decode(incoming)? {
            None if !incoming.is_empty() => Err(FrameError::CutOff),
            message => Ok(message),
        }
    }
}

impl<In, Out: Message> Encoder<&Out> for Frames<In, Out> {
    type Error = FrameError;

    fn encode(&mut self, message: &Out, outgoing: &mut BytesMut) -> Result<(), FrameError> {
        // Encoded whole before the first byte is queued: a message that fails leaves the connection usable.
        let bytes = message.encode()?;
        let length =
            u32::try_from(bytes.len()).map_err(|_| CodecError::TooLong { what: Out::WHAT, cap: Out::CAP })?;
        outgoing.reserve(HEAD + bytes.len());
        outgoing.put_u32_le(length);
        outgoing.put_slice(&bytes);
        Ok(())
    }
}
