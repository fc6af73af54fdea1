//! Has those who read lists queue, and keeps the place of each until it has taken its answer: otherwise every
//! connection could have one lying in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cached_proto::fault::Fault;
use hyper::body::{Frame, SizeHint};

use crate::places::Place;
use crate::readers::Client;
use crate::web::answer::WebFault;
use crate::web::app::Web;
use crate::web::auth::Peer;

/// Bytes that are handed to the connection at a time: what it has buffered is not known to have been taken.
const PIECE: usize = 32 * 1024;

/// Waits until the request is admitted; the next one is when this answer is built.
pub(super) async fn wait(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Some(&Peer(peer)) = parts.extensions.get::<Peer>() else {
        return unanswered();
    };
    let client = Client::Address(web.authority().client_address(&parts, peer));
    let admission = match web.service.readers.admit(client, false).await {
        Ok(admission) => admission,
        Err(crowded) => return WebFault::from(Fault::from(crowded)).into_response(),
    };
    let (head, body) = next.run(Request::from_parts(parts, body)).await.into_parts();
    let Ok(rest) = to_bytes(body, usize::MAX).await else { return unanswered() };
    Response::from_parts(head, Body::new(Pieces { rest, _place: admission.built() }))
}

fn unanswered() -> Response {
    WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be built").into_response()
}

/// The rest of an answer that its reader has not taken.
struct Pieces {
    rest: Bytes,
    _place: Place<Client>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        // A copy: a part of the whole would keep all of it in memory.
        let piece = Bytes::copy_from_slice(&self.rest.split_to(length));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
