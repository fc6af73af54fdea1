//! The hello, and frames: what a peer sends before anything is known about it.

use cached_proto::codec::Message;
use cached_proto::frame::{Frames, client_framed, daemon_framed};
use cached_proto::hello::{encode_client, encode_daemon, parse_client, parse_daemon};
use tokio::io::empty;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// A hello that is understood is what would have been sent, and frames mean the same however they arrive.
pub(super) fn check(bytes: &[u8]) {
    if let Some(hello) = bytes.first_chunk()
        && let Ok(speaks) = parse_client(*hello)
    {
        assert_eq!(encode_client(speaks), *hello);
    }
    if let Some(hello) = bytes.first_chunk()
        && let Ok(said) = parse_daemon(*hello)
    {
        assert_eq!(encode_daemon(said), *hello);
    }
    let cut = usize::from(bytes.first().copied().unwrap_or_default()).min(bytes.len());
    frames(daemon_framed(empty()).codec_mut(), client_framed(empty()).codec_mut(), bytes, cut);
    frames(client_framed(empty()).codec_mut(), daemon_framed(empty()).codec_mut(), bytes, cut);
}

fn frames<In: Message, Out: Message>(
    reader: &mut Frames<In, Out>,
    writer: &mut Frames<Out, In>,
    bytes: &[u8],
    cut: usize,
) {
    let (at_once, left) = read(reader, &[bytes]);
    let (first, second) = bytes.split_at(cut);
    let (in_two, _) = read(reader, &[first, second]);
    let mut again = BytesMut::new();
    for message in &at_once {
        writer.encode(message, &mut again).unwrap();
    }
    assert_eq!(again, bytes[..again.len()], "what was read is not what was sent");
    assert!(again.len() + left <= bytes.len(), "more was read than there is");
    let encoded = |messages: &[In]| messages.iter().map(|m| m.encode().unwrap()).collect::<Vec<_>>();
    assert_eq!(encoded(&at_once), encoded(&in_two), "it matters how the bytes arrive");
}

/// Reads messages up to the first that is none, and tells how many bytes are left.
fn read<In: Message, Out: Message>(reader: &mut Frames<In, Out>, parts: &[&[u8]]) -> (Vec<In>, usize) {
    let mut incoming = BytesMut::new();
    let mut messages = Vec::new();
    for part in parts {
        incoming.extend_from_slice(part);
        loop {
            match reader.decode(&mut incoming) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, incoming.len()),
            }
        }
    }
    (messages, incoming.len())
}
