//! `GET api/events`: changes as they happen, as server-sent events.
//!
//! The first event, `snapshot`, has the current state: whether the scheduler runs, how many runs wait, and
//! the run in progress. It is followed by one event per change, named after it: `job_started`, `job_waits`
//! and `job_done` with the job, `run_done` with the run, `scheduler` with whether it runs. A change that the
//! snapshot already includes may be sent once more; no change is left out.
//!
//! A follower that falls behind is disconnected, and so is every follower after some minutes: browsers reconnect by
//! themselves, and the gate checks access again.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use cached_present::json;
use cached_proto::fault::Fault;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::SchedulerState;
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::{Sleep, sleep};

use crate::web::answer::WebFault;
use crate::web::app::Web;

/// Interval of keep-alive messages on a connection without events: proxies close silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a connection lasts before the client must reconnect and pass the gate again.
const LIFETIME: Duration = Duration::from_mins(5);

/// Delay before a browser reconnects.
const RETRY: Duration = Duration::from_secs(2);

/// Proxies would buffer the stream as if it were a document.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

#[derive(Debug, Serialize)]
struct Snapshot {
    scheduler: SchedulerState,
    queued_runs: u64,
    current_run: Option<Run>,
}

/// One follower.
struct Follower {
    web: Web,
    first: Option<Event>,
    events: broadcast::Receiver<Progress>,
    lifetime: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

#[utoipa::path(
    get, path = "/management/cache/api/events",
    responses(
        (status = 200, description = "Server-sent events: `snapshot` first, then one for each change, until the \
          follower has to reconnect.", body = String, content_type = "text/event-stream")
    )
)]
pub(in crate::web) async fn events(State(web): State<Web>) -> Result<Response, WebFault> {
    let Some(place) = web.follow() else {
        let error = "too many pages follow events already";
        return Err(
            WebFault::new(StatusCode::SERVICE_UNAVAILABLE, error).hint("reload the page now and then")
        );
    };
    let queue = &web.service.queue;
    // Subscribed before the snapshot is read, so that no change falls in between.
    let events = queue.events();
    let snapshot = Snapshot {
        scheduler: queue.state().scheduler_state().await.map_err(Fault::from)?,
        queued_runs: queue.queued_count().await.map_err(Fault::from)?,
        current_run: queue.current_run().await.map_err(Fault::from)?,
    };
    let first = event("snapshot", &snapshot).map(|event| event.retry(RETRY));
    let follower = Follower { web, first, events, lifetime: Box::pin(sleep(LIFETIME)), _place: place };
    let stream = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([UNBUFFERED], sse).into_response())
}

impl Follower {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let happened = tokio::select! {
                biased;
                () = self.web.hang_up.cancelled() => return None,
                () = &mut self.lifetime => return None,
                happened = self.events.recv() => happened.ok()?,
            };
            let sent = match &happened {
                Progress::JobStarted(job) => event("job_started", job),
                Progress::JobWaits(job) => event("job_waits", job),
                Progress::JobDone(job) => event("job_done", job),
                Progress::RunDone(run) => event("run_done", run),
                Progress::Scheduler(state) => event("scheduler", &json!({"scheduler": state})),
                Progress::Snapshot(_) | Progress::Step(_) | Progress::MaintenanceDone(_) => None,
            };
            if sent.is_some() {
                return sent;
            }
        }
    }
}

fn event<T: Serialize>(name: &str, value: &T) -> Option<Event> {
    json::compact(value).ok().map(|text| Event::default().event(name).data(text))
}
