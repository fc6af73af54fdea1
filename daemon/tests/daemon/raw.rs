//! A client that can violate the protocol.

use cached::daemon::Daemon;
use cached_proto::codec::Message as _;
use cached_proto::hello::{Protocols, encode_client};
use cached_proto::message::{Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::boot::PATIENCE;

pub(crate) struct Raw(UnixStream);

pub(crate) const HELLO: Protocols = Protocols::OURS;

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_le_bytes(), message].concat()
}

pub(crate) fn request(request: &Request) -> Vec<u8> {
    framed(&request.encode().unwrap())
}

impl Raw {
    pub(crate) async fn connect(daemon: &Daemon) -> Self {
        Self(UnixStream::connect(daemon.socket()).await.unwrap())
    }

    /// Connects and completes the handshake.
    pub(crate) async fn greeted(daemon: &Daemon) -> Self {
        let mut raw = Self::connect(daemon).await;
        raw.send(&encode_client(HELLO)).await;
        let answer: [u8; 10] = raw.read().await;
        assert!(answer.starts_with(b"VMSC"));
        raw
    }

    /// Sends bytes. The daemon may close the connection before it has read them all: then the rest is not
    /// sent.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    pub(crate) async fn no_more(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    pub(crate) async fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    pub(crate) async fn response(&mut self) -> Response {
        let length = u32::from_le_bytes(self.read().await);
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        Response::decode(&bytes).unwrap()
    }

    /// Waits until the daemon has closed the connection, and returns how many bytes arrived before.
    pub(crate) async fn closed(&mut self) -> usize {
        let mut rest = Vec::new();
        // A connection with unread bytes in it is reset; that ends it as well.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.unwrap();
        rest.len()
    }
}
