//! The web interface: HTTP for browsers, VMS's own pages, scripts and load balancers.
//!
//! No decisions about the caches are made here: handlers parse a request, call the same verb as the control
//! socket (`service`), and write its reply as JSON, or as a page.
//!
//! # Routes
//!
//! Below `/management/cache`, at the paths and with the JSON that VMS's own pages and scripts use:
//!
//! | method and path | class | file |
//! |---|---|---|
//! | `GET api/status` | viewing | `api/status.rs` |
//! | `POST api/refresh[?wait=1]` | changing | `api/refresh.rs` |
//! | `POST scheduler/start`, `scheduler/stop` | changing | `api/status.rs` |
//! | `GET api/tables` | viewing | `api/status.rs` |
//! | `GET api/runs[?since=7d][&limit=100][&cursor=N]`, `api/runs/{id}` | viewing | `api/history.rs` |
//! | `GET api/jobs[?filter=all\|failed\|running][&limit=100][&cursor=N]`, `api/jobs/{id}` | viewing | `api/history.rs` |
//! | `POST api/jobs/{id}/cancel`, `api/jobs/{id}/retry` | changing | `api/history.rs` |
//! | `GET api/events` | viewing | `api/events.rs` |
//! | `GET api/openapi.json` | viewing | `routes.rs` |
//! | `GET api/entries/{table}[?key=COLUMN%3DVALUE]…` | personal | `api/entries.rs` |
//!
//! Also below `/management/cache`, pages for people:
//!
//! | method and path | class | file |
//! |---|---|---|
//! | `GET /management/cache` | public | `pages/mod.rs` |
//! | `GET status` | viewing | `pages/status.rs` |
//! | `GET refresh` | viewing | `pages/forms.rs` |
//! | `POST refresh` | changing | `pages/forms.rs` |
//! | `GET runs/{id}` | viewing | `pages/run.rs` |
//! | `GET jobs[?filter=all\|failed\|running][&cursor=N]` | viewing | `pages/jobs.rs` |
//! | `GET jobs/{id}` | viewing | `pages/jobs.rs` |
//! | `POST runs/{id}/cancel`, `runs/{id}/retry`, `jobs/{id}/cancel`, `jobs/{id}/retry` | changing | `pages/forms.rs` |
//! | `GET assets/{file}` | public | `pages/mod.rs` |
//!
//! And at the root:
//!
//! | method and path | class | file |
//! |---|---|---|
//! | `GET /health`, `GET /ready` | public | `probes.rs` |
//! | `GET /metrics` | viewing | `metrics.rs` |
//!
//! Every `GET` route also accepts `HEAD`. Any other path is a 404, any other method a 405.
//!
//! # Classes: access control
//!
//! | class | who |
//! |---|---|
//! | public | everyone |
//! | viewing | administrators of VMS, holders of a token, and everyone while viewing is open |
//! | personal | as for viewing, but not opened by open viewing |
//! | changing | an administrator with a session whose request comes from our own pages, holders of a token |
//!
//! `auth` authenticates the visitor, `gate` decides what the visitor may do, and queues the requests that read lists:
//! requests beyond the length of the queue are refused with a time for a retry.
//!
//! # Request processing
//!
//! `server` (connections and their limits) → `layers` (headers, panics, the requested host, the body within limits) →
//! `routes` → `gate` → the handler, most of which take what they show from `views`. Any error on the way becomes a
//! response in `answer`: JSON for scripts, a page for browsers, distinguished by `wants`.
//!
//! # Adding a route
//!
//! Handlers in the file of their subject, each of which describes itself to `openapi`, one line in `routes.rs` that
//! names its class, one line in the tables above; then `UPDATE_OPENAPI=1 cargo test -p cached openapi`.

mod answer;
mod api;
mod app;
mod assets;
pub(crate) mod auth;
mod extract;
mod frame;
pub(crate) mod gate;
mod layers;
mod metrics;
mod openapi;
mod pages;
mod probes;
mod routes;
mod server;
mod views;
mod wants;
mod wish;

pub use app::HttpLimits;
pub(crate) use app::Web;
#[doc(hidden)]
pub use auth::session_user;
pub(crate) use server::serve;
pub use server::{BindError, Listening, bind};
