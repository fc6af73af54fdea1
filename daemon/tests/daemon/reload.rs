//! Reloading the configuration through the `reload` request.

use std::sync::{Arc, Mutex};

use cached::config::{Config, Instance, Overrides, ProcessEnvironment};
use cached::daemon::{Daemon, ProcessHandles, ReloadObserver};
use cached_proto::fault::FaultCode;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::logs::LogsRequest;
use cached_proto::verb::reload::{ChangedKey, ReloadReply};
use cached_proto::words::{Outcome, Trigger};

use crate::boot::{Home, ask, connect, fault, finished, queued};

/// A service manager that records its notifications.
#[derive(Default, Clone)]
struct Heard(Arc<Mutex<Vec<&'static str>>>);

impl ReloadObserver for Heard {
    fn reloading(&self) {
        self.0.lock().unwrap().push("reloading");
    }

    fn ready(&self) {
        self.0.lock().unwrap().push("ready");
    }
}

async fn reload(daemon: &Daemon) -> ReloadReply {
    match ask(daemon, Request::Reload).await {
        Reply::Reload(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reloads_by_verb_and_by_signal_both_notify_the_service_manager() {
    let mut home = Home::new();
    let first = home.config();
    home.set("cache", "prune_after_days", "9");
    let new = home.config();
    let heard = Heard::default();
    let host = ProcessHandles {
        load: Some(Box::new(move || Ok(new.clone()))),
        manager: Some(Box::new(heard.clone())),
        ..ProcessHandles::default()
    };
    let daemon = Daemon::start_with(first, home.clock.clone(), home.limits, home.web, host).await.unwrap();
    let reply = reload(&daemon).await;
    let (key, from, to) = ("cache.prune_after_days".to_owned(), Some("7".to_owned()), Some("9".to_owned()));
    assert_eq!((reply.reloaded, reply.changed), (true, vec![ChangedKey { key, from, to }]));
    assert_eq!(daemon.config().cache.prune_after_days, 9);
    assert!(daemon.read_again().unwrap().changed.is_empty());
    assert_eq!(*heard.0.lock().unwrap(), ["reloading", "ready", "reloading", "ready"]);
}

#[tokio::test]
async fn an_invalid_configuration_changes_nothing_and_ends_the_reload_for_the_service_manager() {
    let home = Home::new();
    let heard = Heard::default();
    let load = || {
        let mut overrides = Overrides::default();
        overrides.set("--keep", "cache", "prune_after_days", "soon");
        Config::load(
            &overrides,
            &ProcessEnvironment::of_process(chrono::DateTime::UNIX_EPOCH, Instance::default()),
        )
    };
    let host = ProcessHandles {
        load: Some(Box::new(load)),
        manager: Some(Box::new(heard.clone())),
        ..ProcessHandles::default()
    };
    let daemon =
        Daemon::start_with(home.config(), home.clock.clone(), home.limits, home.web, host).await.unwrap();
    let reply = reload(&daemon).await;
    assert!(!reply.reloaded && reply.changed.is_empty(), "{reply:?}");
    assert!(reply.errors.iter().any(|error| error.contains("cache.prune_after_days")), "{reply:?}");
    assert_eq!(daemon.config().cache.prune_after_days, 7);
    assert_eq!(*heard.0.lock().unwrap(), ["reloading", "ready"]);
}

#[tokio::test]
async fn a_reload_or_logs_without_a_source_or_a_log_file_is_a_fault_with_a_hint() {
    let home = Home::new();
    let daemon = home.boot().await;
    let reply = reload(&daemon).await;
    assert!(!reply.reloaded && reply.errors[0].contains("restart"), "{reply:?}");
    let fault = fault(connect(&daemon).await.call(&Request::Logs(LogsRequest::default())).await);
    assert_eq!(fault.code, FaultCode::NotFound);
    assert!(fault.hint.contains("journalctl -u cached"), "{fault:?}");
}

#[tokio::test]
async fn entries_of_other_settings_are_regenerated_at_once() {
    let mut home = Home::new();
    home.set("watch", "enabled", "false");
    let first = home.config();
    home.set("compat", "mode", "exact");
    let exact = home.config();
    let host =
        ProcessHandles { load: Some(Box::new(move || Ok(exact.clone()))), ..ProcessHandles::default() };
    let daemon = Daemon::start_with(first, home.clock.clone(), home.limits, home.web, host).await.unwrap();
    finished(&daemon, 1).await;
    assert!(reload(&daemon).await.reloaded);
    let health = match ask(&daemon, Request::Health).await {
        Reply::Health(reply) => reply,
        other => panic!("{other:?}"),
    };
    queued(&daemon, 2).await;
    let run = finished(&daemon, 2).await;
    assert_eq!(run.trigger, Trigger::TopUp);
    assert!(run.jobs.len() > 5 && run.outcome.is_some_and(Outcome::is_good), "{run:?}");
    assert!(run.jobs.iter().all(|job| job.figures.skipped == 0), "{run:?}");
    // Whether health is read before or after the run, it never reports young entries as old.
    assert!(health.reasons.iter().all(|reason| !reason.message.contains("age limit")), "{health:?}");
}
