//! What the verbs do, one file per verb, for the control socket and the web server alike; and what they share.
//!
//! Who may use a verb is decided before it is called: by the session for the socket, by the gate for the web.

pub(crate) mod backup;
mod caller;
pub(crate) mod fault;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod invalidate;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod maintenance;
pub(crate) mod next;
pub(crate) mod notify;
pub(crate) mod refresh;
pub(crate) mod rehearse;
pub(crate) mod reload;
pub(crate) mod report;
pub(crate) mod scheduler;
mod shared;
pub(crate) mod status;
mod stream;
mod survey;

use cached_proto::fault::Fault;
use cached_proto::message::{Reply, Request};

pub(crate) use caller::Caller;
pub(crate) use notify::judge;
pub(crate) use shared::{Reloads, Service};
pub(crate) use stream::{Lagging, Stream};
pub(crate) use survey::Surveyed;

/// Does what is asked for; what follows the answer is in [`Stream::behind`].
pub(crate) async fn answer(service: &Service, caller: &Caller, request: &Request) -> Result<Reply, Fault> {
    Ok(match request {
        Request::Ping => Reply::Pong(service.pong()),
        Request::Status(request) => Reply::Status(status::status(service, request).await?),
        Request::Health => Reply::Health(health::health(service).await),
        Request::Refresh(request) => Reply::Refresh(refresh::refresh(service, caller, request).await?),
        Request::StartScheduler => Reply::Scheduler(scheduler::start(service, caller).await?),
        Request::StopScheduler => Reply::Scheduler(scheduler::stop(service, caller).await?),
        Request::Next(request) => Reply::Next(next::next(service, request).await?),
        Request::Jobs(request) => Reply::Jobs(jobs::jobs(service, request).await?),
        Request::History(request) => Reply::History(history::history(service, request).await?),
        Request::NotifyTest => Reply::Notify(notify::notify(service).await),
        Request::Job(request) => Reply::Job(jobs::job(service, request).await?),
        Request::Cancel(request) => Reply::Cancel(jobs::cancel(service, caller, request).await?),
        Request::Retry(request) => Reply::Retry(jobs::retry(service, caller, request).await?),
        Request::Report(request) => Reply::Report(report::report(service, request).await?),
        Request::Get(request) => Reply::Get(get::get(service, request, get::Missing::Make).await?),
        Request::Invalidate(request) => {
            Reply::Invalidate(invalidate::invalidate(service, caller, request).await?)
        }
        Request::Rehearse(request) => Reply::Rehearse(rehearse::rehearse(service, request).await?),
        Request::Maintenance(request) => {
            Reply::Maintenance(maintenance::maintenance(service, caller, request)?)
        }
        Request::Reload => Reply::Reload(reload::reload(service, caller).await),
        Request::Logs(_) => Reply::Logs(logs::logs(service)?),
        Request::JobsPage(request) => Reply::JobsPage(jobs::page(service, request).await?),
        Request::HistoryPage(request) => Reply::HistoryPage(history::page(service, request).await?),
        Request::Backup => Reply::Backup(backup::backup(service)),
    })
}
