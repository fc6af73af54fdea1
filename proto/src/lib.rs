//! The protocol of the control socket of `cached`: this page is its specification, the modules hold its
//! types.
//!
//! The daemon `cached` listens on a Unix socket, `cachectl` and scripts connect to it. A connection is a
//! hello, and then any number of exchanges, one at a time: a request, its answer, and for some requests a
//! stream of events.
//!
//! # 1. Find the socket
//!
//! `/run/cached/cached.sock`; for a daemon that an ordinary user runs `$XDG_RUNTIME_DIR/cached.sock` or,
//! without that variable, `~/.local/state/cached/cached.sock`; or the path given by the daemon's
//! configuration and `CACHED_SOCKET`. It is a socket of the file system, and its file permissions decide who
//! may connect; the right to make a request ([`message::Request::right`]) is checked by the daemon, from the user id
//! that the kernel reports for the peer.
//!
//! # 2. Say hello
//!
//! The client speaks first. Both hellos are fixed bytes whose form never changes; numbers are unsigned, two
//! bytes, little endian ([`hello`]).
//!
//! | client sends | bytes | | daemon answers | bytes |
//! |---|---|---|---|---|
//! | magic `VMSC` | 4 | | magic `VMSC` | 4 |
//! | lowest protocol it speaks | 2 | | chosen protocol, 0 when there is none in common | 2 |
//! | highest protocol it speaks | 2 | | lowest protocol it speaks | 2 |
//! | | | | highest protocol it speaks | 2 |
//!
//! The daemon chooses the highest number that both speak. When it answers 0, it closes the connection, and
//! the client can report which protocols either side speaks. When the magic is wrong, the daemon closes the
//! connection without an answer. It does not wait long for a hello.
//!
//! A client of protocols 1 and 2 sends, and the daemon answers:
//!
//! ```text
//! 0000  56 4d 53 43 01 00 02 00                          VMSC....
//! ```
//!
//! ```text
//! 0000  56 4d 53 43 02 00 01 00 02 00                    VMSC......
//! ```
//!
//! # 3. Send a request, read the answer
//!
//! After the hello everything travels in frames ([`frame`]): the length of the message, four bytes, little
//! endian, and then the message. A message to the daemon has at most 1 MiB ([`frame::REQUEST_CAP`]), one from
//! the daemon at most 64 MiB ([`frame::RESPONSE_CAP`]). The client sends a [`message::Request`]; the daemon
//! answers with a [`message::Response`], the first of which is always an
//! [`Answer`](message::Response::Answer).
//!
//! A message is encoded as `bincode` 2 does with fixed-width integers ([`codec`]):
//!
//! | type | encoding |
//! |---|---|
//! | integers, `f64` | their own width, little endian |
//! | `bool` | one byte, 0 or 1 |
//! | [`time::Timestamp`] | `i64`, microseconds since the Unix epoch |
//! | text | `u64` length in bytes, then UTF-8 |
//! | list | `u64` number of elements, then the elements |
//! | option | one byte, 0 or 1, then the value if there is one |
//! | enum, `Result` | `u32` position of the variant in its declaration, then its fields |
//! | struct | its fields in the order of their declaration, nothing between them |
//!
//! Every byte of a frame belongs to its message: bytes left over make the message invalid.
//!
//! A `ping` is the first variant of `Request` and has no fields, so it is four zeroes behind a length of 4:
//!
//! ```text
//! 0000  04 00 00 00 00 00 00 00                          ........
//! ```
//!
//! The daemon of version 0.1.0, process 4711, started on 2026-03-08 at 08:00 UTC, answers with 37 bytes: the
//! positions of `Answer`, `Ok` and `Pong`, then the version, the process id and the instant:
//!
//! ```text
//! 0000  25 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  %...............
//! 0010  05 00 00 00 00 00 00 00 30 2e 31 2e 30 67 12 00  ........0.1.0g..
//! 0020  00 00 20 44 ac 7e 4c 06 00                       ...D.~L..
//! ```
//!
//! # 4. Follow a stream
//!
//! A request that streams ([`message::Request::streams`]) is answered as soon as it is accepted. Then
//! [`Event`](message::Response::Event)s follow: first a [`Snapshot`](verb::refresh::Progress::Snapshot) with
//! all that is known, so that a client that connects late or reconnects needs no history, then one event per
//! change, and [`RunDone`](verb::refresh::Progress::RunDone) as the last. A maintenance task has events of
//! its own ([`verb::maintenance`]). If the daemon must break off, an `Answer` with a fault takes the place of
//! the last event. Either way the connection is then free for the next request.
//!
//! The lines of the log ([`Log`](message::Response::Log)) are sent in the same way: first the existing lines,
//! then [`CaughtUp`](verb::logs::LogEvent::CaughtUp) and every line as it is written, or
//! [`End`](verb::logs::LogEvent::End). So is a copy of VMS's database ([`Backup`](message::Response::Backup)), whose
//! last event says what the client has to compare it with ([`verb::backup`]).
//!
//! A reader that falls behind is disconnected; it may connect again and repeat its request. A client that
//! hangs up ends the stream, never the run.
//!
//! # 5. Read a fault
//!
//! A request that is not carried out is answered with a [`fault::Fault`]: a code to branch on, what is wrong,
//! what to do about it, and whether the same request may succeed later. The connection can be used again.
//!
//! A frame over its cap, a message that cannot be decoded, and silence for too long cost the connection and
//! nothing else. Where it still can, the daemon sends a fault with the reason before it closes, also to a
//! client that it rejects after the hello. A client that cannot send its request should therefore still read.
//!
//! Text in messages may come from data or from a peer: a program that displays it must make it one line
//! ([`text`]).
//!
//! # 6. Change the protocol
//!
//! * The protocol number ([`hello::PROTOCOL`]) is an integer of its own. It rises whenever the encoding of
//!   anything changes, which includes every new variant; the version of the crate says nothing about it.
//! * Variants are only ever appended, and none is ever removed: a position keeps its meaning forever. Use a
//!   new variant only towards a peer whose chosen protocol knows it.
//! * A struct never changes: bytes carry no names, so an older peer cannot skip what it does not know. A
//!   verb that needs other fields gets new types and a new variant.
//! * A number leaves the range ([`hello::LOWEST_PROTOCOL`]) when nothing in use speaks it any more.
//! * The types are printed as JSON as well, so they derive `serde`'s traits, and `rename` is welcome. The
//!   attributes `default`, `skip`, `skip_serializing_if`, `untagged`, `tag` and `flatten` are not: they
//!   corrupt an encoding that does not describe itself. [`verb::jobs::Job`] shows how the fields of a struct
//!   within appear beside the others in JSON.
//! * No type contains itself: the decoder counts bytes, not depth.
//! * The bytes of every message are kept under `tests/`, and those on this page are compared with what the
//!   code sends.
//!
//! # A client in Rust
//!
//! With the feature `client`, the module `client` does all of this.

#[cfg(feature = "client")]
pub mod client;
pub mod codec;
pub mod fault;
pub mod frame;
pub mod hello;
pub mod lock;
pub mod message;
pub mod text;
pub mod time;
pub mod verb;
pub mod words;
