//! The hello: fixed bytes that settle the protocol number before anything is encoded.
//!
//! Its form never changes, so that any client and any daemon can at least report to each other which
//! protocols they speak.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The first bytes of both hellos.
pub const MAGIC: [u8; 4] = *b"VMSC";

/// The newest protocol number that this crate speaks; not the crate's version.
pub const PROTOCOL: u16 = 2;

/// The first protocol number with pages of `jobs` and `history`.
pub const PAGES: u16 = 2;

/// The first protocol number with what the last run computed beside the status.
pub const FULL_STATUS: u16 = 2;

/// The first protocol number with the fault code [`Busy`](crate::fault::FaultCode::Busy).
pub const BUSY: u16 = 2;

/// The oldest protocol number that this crate still speaks.
pub const LOWEST_PROTOCOL: u16 = 1;

/// Bytes of the client's hello.
pub const CLIENT_HELLO_LEN: usize = 8;

/// Bytes of the daemon's hello.
pub const DAEMON_HELLO_LEN: usize = 10;

/// The number on the wire that means "none in common".
const NONE: u16 = 0;

/// The protocol numbers that one side speaks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocols {
    /// The oldest.
    pub lowest: u16,
    /// The newest.
    pub highest: u16,
}

impl Protocols {
    /// The protocol numbers that this crate speaks.
    pub const OURS: Self = Self { lowest: LOWEST_PROTOCOL, highest: PROTOCOL };

    /// The newest number that both sides speak.
    pub fn common(self, other: Self) -> Option<u16> {
        let newest = self.highest.min(other.highest);
        (newest >= self.lowest.max(other.lowest) && newest != NONE).then_some(newest)
    }

    /// Whether `number` is in the range.
    pub const fn contains(self, number: u16) -> bool {
        self.lowest <= number && number <= self.highest
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lowest == self.highest {
            write!(f, "{}", self.highest)
        } else {
            write!(f, "{} to {}", self.lowest, self.highest)
        }
    }
}

/// The daemon's hello: the number it chose, and the protocol numbers it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaemonHello {
    /// The newest common number; `None` when there is none, and the connection ends.
    pub chosen: Option<u16>,
    /// The protocol numbers that the daemon speaks, for the client's error.
    pub speaks: Protocols,
}

/// Why a hello failed. The connection cannot be used afterwards.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The peer does not speak this protocol at all.
    #[error(
        "the peer does not speak the protocol of cached (it began with {}): check the socket path",
        Bytes(.0)
    )]
    NotOurs([u8; 4]),
    /// The peer's hello contradicts itself or the offer.
    #[error("the peer sent an impossible hello: {0}; report this as a bug of the peer")]
    Impossible(&'static str),
    /// The two sides have no protocol number in common.
    #[error(
        "no common protocol: this side speaks {ours}, the peer {theirs}; \
         install cached and cachectl of the same version and restart the daemon"
    )]
    NothingInCommon {
        /// The protocol numbers that this side speaks.
        ours: Protocols,
        /// The protocol numbers that the peer speaks.
        theirs: Protocols,
    },
    /// The connection failed or ended.
    #[error(
        "the connection failed during the hello; try again, and if that does not help, check the daemon's log"
    )]
    Io(#[from] io::Error),
}

/// Displays the peer's bytes on one line.
struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Encodes the client's hello.
pub fn encode_client(speaks: Protocols) -> [u8; CLIENT_HELLO_LEN] {
    let [m0, m1, m2, m3] = MAGIC;
    let [l0, l1] = speaks.lowest.to_le_bytes();
    let [h0, h1] = speaks.highest.to_le_bytes();
    [m0, m1, m2, m3, l0, l1, h0, h1]
}

/// Parses the client's hello.
pub fn parse_client(bytes: [u8; CLIENT_HELLO_LEN]) -> Result<Protocols, HelloError> {
    let [m0, m1, m2, m3, l0, l1, h0, h1] = bytes;
    check_magic([m0, m1, m2, m3])?;
    range([l0, l1], [h0, h1])
}

/// Encodes the daemon's hello.
pub fn encode_daemon(hello: DaemonHello) -> [u8; DAEMON_HELLO_LEN] {
    let [m0, m1, m2, m3] = MAGIC;
    let [c0, c1] = hello.chosen.unwrap_or(NONE).to_le_bytes();
    let [l0, l1] = hello.speaks.lowest.to_le_bytes();
    let [h0, h1] = hello.speaks.highest.to_le_bytes();
    [m0, m1, m2, m3, c0, c1, l0, l1, h0, h1]
}

/// Parses the daemon's hello.
pub fn parse_daemon(bytes: [u8; DAEMON_HELLO_LEN]) -> Result<DaemonHello, HelloError> {
    let [m0, m1, m2, m3, c0, c1, l0, l1, h0, h1] = bytes;
    check_magic([m0, m1, m2, m3])?;
    let speaks = range([l0, l1], [h0, h1])?;
    let chosen = Some(u16::from_le_bytes([c0, c1])).filter(|&number| number != NONE);
    if chosen.is_some_and(|number| !speaks.contains(number)) {
        return Err(HelloError::Impossible("it chose a protocol that it does not speak"));
    }
    Ok(DaemonHello { chosen, speaks })
}

/// Performs the client's side: offers `ours` and returns the number that the daemon chose.
///
/// There is no time limit here; the caller sets it.
pub async fn greet<S>(io: &mut S, ours: Protocols) -> Result<u16, HelloError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(&encode_client(ours)).await?;
    io.flush().await?;
    let mut bytes = [0; DAEMON_HELLO_LEN];
    io.read_exact(&mut bytes).await?;
    let DaemonHello { chosen, speaks } = parse_daemon(bytes)?;
    let chosen = chosen.ok_or(HelloError::NothingInCommon { ours, theirs: speaks })?;
    if !ours.contains(chosen) {
        return Err(HelloError::Impossible("it chose a protocol that was not offered"));
    }
    Ok(chosen)
}

/// Performs the daemon's side: reads the client's offer, answers it, and returns the chosen number.
///
/// A client with no number in common receives the daemon's range before the error is returned. There is no
/// time limit here; the caller sets it.
pub async fn welcome<S>(io: &mut S, ours: Protocols) -> Result<u16, HelloError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = [0; CLIENT_HELLO_LEN];
    io.read_exact(&mut bytes).await?;
    let theirs = parse_client(bytes)?;
    let chosen = ours.common(theirs);
    io.write_all(&encode_daemon(DaemonHello { chosen, speaks: ours })).await?;
    io.flush().await?;
    chosen.ok_or(HelloError::NothingInCommon { ours, theirs })
}

fn check_magic(magic: [u8; 4]) -> Result<(), HelloError> {
    if magic == MAGIC { Ok(()) } else { Err(HelloError::NotOurs(magic)) }
}

fn range(lowest: [u8; 2], highest: [u8; 2]) -> Result<Protocols, HelloError> {
    let speaks = Protocols { lowest: u16::from_le_bytes(lowest), highest: u16::from_le_bytes(highest) };
    if speaks.lowest > speaks.highest {
        return Err(HelloError::Impossible("its lowest protocol is above its highest"));
    }
    Ok(speaks)
}
