//! The bytes in the crate's documentation are those that really cross the socket.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

#[path = "support/hexdump.rs"]
mod hexdump;
#[path = "support/samples.rs"]
#[expect(dead_code, reason = "the documentation shows one exchange")]
mod samples;

use cached_proto::frame::{client_framed, daemon_framed};
use cached_proto::hello::{Protocols, greet, welcome};
use cached_proto::message::{Reply, Request, Response};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use self::hexdump::hexdump;

const DOCUMENTATION: &str = include_str!("../src/lib.rs");

/// Takes what was written to one end of `pipe` out of the other, and shows it.
async fn tap(pipe: &mut DuplexStream) -> (Vec<u8>, String) {
    let mut bytes = vec![0; 1 << 10];
    let length = pipe.read(&mut bytes).await.unwrap();
    bytes.truncate(length);
    let dump = hexdump(&bytes);
    (bytes, dump)
}

/// A pipe between client and daemon with a listener in the middle who notes one ping.
async fn exchange() -> Vec<String> {
    let (mut client, mut middle_client) = duplex(1 << 10);
    let (mut middle_daemon, mut daemon) = duplex(1 << 10);
    let mut heard = Vec::new();
    let middle = async {
        for client_speaks in [true, false] {
            let (from, to) = if client_speaks {
                (&mut middle_client, &mut middle_daemon)
            } else {
                (&mut middle_daemon, &mut middle_client)
            };
            let (bytes, dump) = tap(from).await;
            to.write_all(&bytes).await.unwrap();
            heard.push(dump);
        }
    };
    let ((), greeted, welcomed) =
        tokio::join!(middle, greet(&mut client, Protocols::OURS), welcome(&mut daemon, Protocols::OURS));
    assert_eq!((greeted.unwrap(), welcomed.unwrap()), (2, 2));

    client_framed(client).send(&Request::Ping).await.unwrap();
    let (bytes, dump) = tap(&mut middle_client).await;
    heard.push(dump);
    middle_daemon.write_all(&bytes).await.unwrap();
    let mut daemon = daemon_framed(daemon);
    assert_eq!(daemon.next().await.unwrap().unwrap(), Request::Ping);

    daemon.send(&Response::Answer(Ok(Reply::Pong(samples::pong())))).await.unwrap();
    heard.push(tap(&mut middle_daemon).await.1);
    heard
}

#[tokio::test]
async fn the_documented_exchange_is_the_real_one() {
    for dump in exchange().await {
        let documented = format!("//! {}", dump.trim_end().replace('\n', "\n//! "));
        assert!(DOCUMENTATION.contains(&documented), "the documentation lacks\n{documented}");
    }
}
