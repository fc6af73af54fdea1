//! A web server with configurable answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Long enough that only a hang exceeds it.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Status(u16),
    Garbage,
    Never,
}

#[derive(Debug)]
pub(super) struct Request {
    /// `METHOD /path`
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(super) struct Receiver {
    /// `127.0.0.1:PORT`
    pub(super) address: String,
    requests: UnboundedReceiver<Request>,
    _server: AbortOnDropHandle<()>,
}

impl Receiver {
    /// Answers the request with this number, counted from 0.
    pub(super) async fn new(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, requests) = unbounded_channel();
        let answer = Arc::new(answer);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, answer(number), tell.clone()));
            }
        });
        Self { address, requests, _server: AbortOnDropHandle::new(server) }
    }

    pub(super) async fn always(answer: Answer) -> Self {
        Self::new(move |_| answer).await
    }

    pub(super) fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }

    pub(super) async fn next(&mut self) -> Request {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("no request arrives").unwrap()
    }

    /// Returns the next request, advancing the time with `pass` until it arrives.
    pub(super) async fn next_while(&mut self, pass: impl Fn()) -> Request {
        let wait = async {
            loop {
                pass();
                let short = tokio::time::timeout(Duration::from_millis(5), self.requests.recv()).await;
                if let Ok(request) = short {
                    return request.unwrap();
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("no request arrives, however much time passes")
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, tell: UnboundedSender<Request>) {
    let mut bytes = Vec::new();
    let request = loop {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.unwrap_or_default();
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(request) = whole(&String::from_utf8_lossy(&bytes)) {
            break request;
        }
        if count == 0 {
            return;
        }
    };
    let _ = tell.send(request);
    match answer {
        Answer::Status(status) => {
            let text = format!("HTTP/1.1 {status} So\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Answer::Garbage => {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
        }
        Answer::Never => std::future::pending().await,
    }
}

fn whole(text: &str) -> Option<Request> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |length| length.trim().parse().unwrap());
    let line = text.lines().next()?.rsplit_once(' ')?.0.to_owned();
    (body.len() >= length).then(|| Request { line, head, body: body.to_owned() })
}
