//! Dispatches a request to the file of its verb.

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Reply, Request, Right};

use super::backup;
use super::peer::Peer;
use crate::readers::Client;
use crate::service::Caller;
use crate::service::fault::fault;
use crate::service::{
    Service, cancel, get, health, history, invalidate, job, jobs, logs, maintenance, next, notify, ping,
    refresh, rehearse, reload, report, retry, start_scheduler, status, stop_scheduler,
};

/// Executes the request if the peer is allowed to make it.
pub(super) async fn dispatch(service: &Service, peer: Peer, request: &Request) -> Result<Reply, Fault> {
    allow(service, peer, request.right()).await?;
    let caller = &Caller::Local(peer.uid());
    let _turn = if reads_much(request) {
        let privileged = peer.is_privileged(service.own_uid);
        Some(service.readers.turn(Client::User(peer.uid()), privileged).await?)
    } else {
        None
    };
    match request {
        Request::Ping => Ok(Reply::Pong(ping::ping(service))),
        Request::Status(request) => status::status(service, request).await.map(Reply::Status),
        Request::Health => Ok(Reply::Health(health::health(service).await)),
        Request::Refresh(request) => refresh::refresh(service, caller, request).await.map(Reply::Refresh),
        Request::StartScheduler => {
            start_scheduler::start_scheduler(service, caller).await.map(Reply::Scheduler)
        }
        Request::StopScheduler => stop_scheduler::stop_scheduler(service, caller).await.map(Reply::Scheduler),
        Request::Next(request) => next::next(service, request).await.map(Reply::Next),
        Request::Jobs(request) => jobs::jobs(service, request).await.map(Reply::Jobs),
        Request::History(request) => history::history(service, request).await.map(Reply::History),
        Request::NotifyTest => Ok(Reply::Notify(notify::notify(service).await)),
        Request::Job(request) => job::job(service, request).await.map(Reply::Job),
        Request::Cancel(request) => Ok(Reply::Cancel(cancel::cancel(service, caller, request).await?)),
        Request::Retry(request) => Ok(Reply::Retry(retry::retry(service, caller, request).await?)),
        Request::Report(request) => report::report(service, request).await.map(Reply::Report),
        Request::Get(request) => get::get(service, request, get::Missing::Make).await.map(Reply::Get),
        Request::Invalidate(request) => {
            invalidate::invalidate(service, caller, request).await.map(Reply::Invalidate)
        }
        Request::Rehearse(request) => rehearse::rehearse(service, request).await.map(Reply::Rehearse),
        Request::Maintenance(request) => {
            maintenance::maintenance(service, caller, request).map(Reply::Maintenance)
        }
        Request::Reload => Ok(Reply::Reload(reload::reload(service, caller).await)),
        Request::Logs(_) => logs::logs(service).map(Reply::Logs),
        Request::JobsPage(request) => jobs::page(service, request).await.map(Reply::JobsPage),
        Request::HistoryPage(request) => history::page(service, request).await.map(Reply::HistoryPage),
        Request::Backup => Ok(Reply::Backup(backup::backup(service))),
    }
}

/// Whether an answer may be long, or takes reading much of the history: such requests queue. Those that read
/// VMS's database wait for each other elsewhere, and may have to wait for VMS.
const fn reads_much(request: &Request) -> bool {
    matches!(
        request,
        Request::Jobs(_)
            | Request::JobsPage(_)
            | Request::History(_)
            | Request::HistoryPage(_)
            | Request::Job(_)
            | Request::Report(_)
    )
}

async fn allow(service: &Service, peer: Peer, right: Right) -> Result<(), Fault> {
    let socket = service.config.borrow().socket.clone();
    let (group, refused) = match right {
        Right::Look => return Ok(()),
        Right::Write => (Some(socket.write_group), "may neither change anything nor see what is in entries"),
        Right::Backup => {
            (socket.backup_group, "may not copy VMS's database, which holds personal data and credentials")
        }
    };
    let own_uid = service.own_uid;
    // Reads the account files.
    let asked = tokio::task::spawn_blocking({
        let group = group.clone();
        move || peer.has_right(own_uid, group.as_deref())
    });
    if asked.await.unwrap_or_default() {
        return Ok(());
    }
    let message = format!("user {} {refused}", peer.uid());
    let hint = match group {
        Some(group) => format!("become a member of the group {group} and log in again, or use sudo"),
        None => "use sudo, or have a group named in socket.backup_group".to_owned(),
    };
    Err(fault(FaultCode::NotAllowed, &message, &hint))
}
