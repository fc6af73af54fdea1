//! Checks of the environment of the daemon: clock, disks, log, VMS's page, and its own parts.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::health::VmsPage;
use cached_proto::verb::history::Run;
use chrono::{DateTime, TimeDelta, Utc};

use super::observation::{Audience, Finding, Observation};
use crate::maintenance::disk_space;
use crate::supervise::{LOCK, SOCKET};
use crate::telemetry::ComplaintCause;

/// Largest tolerated difference; the clocks of a well-kept machine differ by less.
const TOLERATED: TimeDelta = TimeDelta::minutes(5);

/// Number of free inodes below which a warning is due: a night creates a journal beside each
/// database and a rotated log, and other programs create files, too.
const FILES: u64 = 32;

/// Response time in milliseconds from which users notice a delay.
const SLOW: u64 = 2000;

pub(super) fn clock_behind(observed: &Observation, audience: Audience) -> Option<Finding> {
    let runs = [&observed.last, &observed.current]
        .into_iter()
        .flatten()
        .filter_map(|run| newest(run).map(|at| (at, format!("run {}", run.id))));
    let stamps = observed.tables.iter().flatten().filter_map(|survey| {
        Some((survey.audit.newest?, format!("an entry of {}", audience.table(survey.table))))
    });
    let (at, what) = runs.chain(stamps).max_by_key(|(at, _)| *at)?;
    (at > observed.now + TOLERATED).then(|| {
        let format = "%F %T UTC";
        let (now, at) = (observed.now.format(format), at.format(format));
        let message = format!("the system clock ({now}) is earlier than the time stamp of {what} ({at})");
        let hint = "`timedatectl` shows whether the clock is right; once it is, run `cachectl refresh --force` to \
                    renew the time stamps of all entries";
        Finding::degraded(message, hint)
    })
}

fn newest(run: &Run) -> Option<DateTime<Utc>> {
    let attempts = run.jobs.iter().flat_map(|job| &job.attempts);
    let attempts = attempts.flat_map(|attempt| [Some(attempt.started), attempt.ended]);
    [Some(run.queued), run.started, run.ended]
        .into_iter()
        .chain(attempts)
        .flatten()
        .max()
        .map(Timestamp::to_utc)
}

pub(super) fn socket_lost(observed: &Observation, _: Audience) -> Option<Finding> {
    let fault = observed.faults.iter().find(|fault| fault.component == SOCKET)?;
    let message = format!("the control socket is lost: {}", fault.what);
    let hint = "check its directory with `ls -ld` and create it again if it is missing; the daemon retries every 10 \
                seconds, and refreshes continue meanwhile";
    Some(Finding::degraded(message, hint))
}

pub(super) fn lock_lost(observed: &Observation, _: Audience) -> Option<Finding> {
    let fault = observed.faults.iter().find(|fault| fault.component == LOCK)?;
    let message = format!("the lock of the state is lost: {}", fault.what);
    let hint = "check the rights of the directory with `ls -ld` and the free space with `df -h`; the daemon checks \
                every 10 seconds";
    Some(Finding::degraded(message, hint))
}

pub(super) fn component_failed(observed: &Observation, _: Audience) -> Option<Finding> {
    let others = observed.faults.iter().filter(|fault| ![SOCKET, LOCK].contains(&fault.component));
    let what: Vec<String> = others.map(|fault| format!("{}: {}", fault.component, fault.what)).collect();
    let message = format!("components of the daemon failed ({})", what.join("; "));
    let hint =
        "they are restarted automatically, and refreshes continue meanwhile; `cachectl logs` has the details";
    (!what.is_empty()).then(|| Finding::degraded(message, hint))
}

/// Reports file systems that run out of inodes, which free space does not show.
pub(super) fn inodes_low(observed: &Observation, _: Audience) -> Option<Finding> {
    let disks = observed.resources.disks.iter().filter_map(|disk| Some((disk.path.display(), disk.inodes?)));
    let tight: Vec<String> = disks
        .filter(|(_, inodes)| *inodes < FILES)
        .map(|(path, inodes)| format!("{path} has {inodes} inodes left: no more files than that can be created, however much space is free"))
        .collect();
    let hint = "remove unneeded files: `df -i` shows the file systems, `du -x --inodes / | sort -n | tail` where \
                most files are";
    (!tight.is_empty()).then(|| Finding::degraded(tight.join("; "), hint))
}

pub(super) fn disk_low(observed: &Observation, _: Audience) -> Option<Finding> {
    let payload: u64 = observed.tables.iter().flatten().map(|survey| survey.audit.bytes).sum();
    let tight: Vec<String> = observed
        .resources
        .disks
        .iter()
        .filter_map(|disk| {
            let payload = if disk.holds_vms { payload.max(observed.estimate) } else { 0 };
            let need = disk_space::refresh_needs(payload);
            let (path, free) = (disk.path.display(), disk.free);
            (free < disk_space::comfortable(payload)).then(|| {
                format!(
                    "{path} has {} MB free; a refresh needs up to {} MB, plus a reserve",
                    free >> 20,
                    need >> 20
                )
            })
        })
        .collect();
    let hint = "free some space: `df -h` and `du -xh --max-depth=2 / | sort -h` show where it is used";
    (!tight.is_empty()).then(|| Finding::degraded(tight.join("; "), hint))
}

pub(super) fn log_unwritable(observed: &Observation, _: Audience) -> Option<Finding> {
    let complaint = observed.resources.log.as_ref()?;
    let hint = match complaint.cause {
        ComplaintCause::Link => {
            "remove the link, which is not followed, since anyone with write access to the directory could point it \
             anywhere: set `log.dir` to the directory for the log, or to \"\" to log only to the journal, \
             `journalctl -u cached`"
        }
        ComplaintCause::NoInodes => {
            "remove unneeded files: `df -i` shows that the file system has no inodes left; the journal has the lines \
            that the file lacks: `journalctl -u cached`"
        }
        ComplaintCause::Other => {
            "check the free space with `df -h`, and the rights of the directory with `ls -ld`; the journal has the \
             lines that the file lacks: `journalctl -u cached`"
        }
    };
    Some(Finding::degraded(complaint.message.clone(), hint))
}

pub(super) fn vms_page_failed(observed: &Observation, _: Audience) -> Option<Finding> {
    let page = observed.vms_page.as_ref().filter(|page| !answers(page))?;
    let VmsPage { url, status, milliseconds, error } = page;
    let (url, error) = (one_line(url), one_line(error.as_deref().unwrap_or_default()));
    let message = match status {
        Some(status) => format!("VMS's page {url} answered with status {status} after {milliseconds} ms"),
        None => format!("VMS's page {url} did not answer: {error} (after {milliseconds} ms)"),
    };
    let hint = "check VMS itself and its log, `journalctl` or the web server's; if the address is wrong, \
                correct vms.probe_url";
    Some(Finding::degraded(message, hint))
}

pub(super) fn vms_page_slow(observed: &Observation, _: Audience) -> Option<Finding> {
    let page = observed.vms_page.as_ref().filter(|page| answers(page) && page.milliseconds >= SLOW)?;
    let (url, took) = (one_line(&page.url), page.milliseconds);
    let message = format!("VMS's page {url} took {took} ms to answer; the limit is {SLOW} ms");
    let hint = "`top` and `cachectl jobs --running` show whether the machine is busy; `cachectl status` shows whether \
                the page's table is fresh";
    Some(Finding::degraded(message, hint))
}

/// Whether VMS answered. A redirect, for example to the login page, counts; it is not followed.
fn answers(page: &VmsPage) -> bool {
    page.status.is_some_and(|status| (200..400).contains(&status))
}

#[cfg(test)]
pub(super) mod tests {
    use cached_proto::words::HealthLevel;

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{Problem, at, disks, found, healthy, page};
    use crate::supervise::Fault;
    use crate::telemetry::Complaint;
    use HealthLevel::Degraded;
    use ReasonCode::{
        ClockBehind, ComponentFailed, DiskLow, InodesLow, LockLost, LogUnwritable, SocketLost, VmsPageFailed,
        VmsPageSlow,
    };

    pub(in crate::health) const PROBLEMS: &[Problem] = &[
        (LogUnwritable, Degraded, |observed| {
            observed.resources.log = Some(complaint(ComplaintCause::Other));
        }),
        (SocketLost, Degraded, |observed| observed.faults = vec![fault("control socket")]),
        (LockLost, Degraded, |observed| observed.faults = vec![fault("state lock")]),
        (ComponentFailed, Degraded, |observed| observed.faults = vec![fault("web"), fault("notify")]),
        (VmsPageFailed, Degraded, |observed| observed.vms_page = Some(page(Some(502), 12))),
        (VmsPageFailed, Degraded, |observed| observed.vms_page = Some(page(None, 5000))),
        (VmsPageSlow, Degraded, |observed| observed.vms_page = Some(page(Some(302), 2000))),
        (ClockBehind, Degraded, |observed| observed.now -= TimeDelta::hours(1)),
        (DiskLow, Degraded, |observed| observed.resources.disks = disks(1 << 20)),
        (InodesLow, Degraded, |observed| observed.resources.disks[1].inodes = Some(31)),
    ];

    fn fault(component: &'static str) -> Fault {
        Fault { component, what: "it ended".to_owned() }
    }

    fn complaint(cause: ComplaintCause) -> Complaint {
        Complaint { message: "the log file /l/cache_manager.log cannot be written".to_owned(), cause }
    }

    #[test]
    fn an_unwritable_log_has_the_hint_for_its_cause() {
        for (cause, part) in [
            (ComplaintCause::Link, "is not followed"),
            (ComplaintCause::NoInodes, "`df -i`"),
            (ComplaintCause::Other, "`df -h`"),
        ] {
            let mut observed = healthy();
            observed.resources.log = Some(complaint(cause));
            let reason = found(&observed).remove(0);
            assert!(reason.finding.hint.contains(part), "{cause:?}: {}", reason.finding.hint);
        }
    }

    #[test]
    fn a_file_system_without_an_inode_limit_never_runs_out_of_inodes() {
        let mut observed = healthy();
        for disk in &mut observed.resources.disks {
            disk.inodes = None;
        }
        assert_eq!(found(&observed), Vec::new());
        observed.resources.disks[0].inodes = Some(0);
        let reason = found(&observed).remove(0);
        assert!(reason.finding.message.starts_with("/srv has 0 inodes left"), "{}", reason.finding.message);
    }

    #[test]
    fn disk_space_is_judged_by_the_estimated_size_before_the_first_refresh() {
        let mut observed = healthy();
        observed.resources.disks = disks(1 << 30);
        observed.estimate = 1 << 30;
        let reasons = found(&observed);
        assert_eq!(reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), [DiskLow]);
        assert!(!reasons[0].finding.message.contains("/var/lib"), "{}", reasons[0].finding.message);
    }

    #[test]
    fn values_exactly_at_their_limits_are_healthy() {
        let mut observed = healthy();
        observed.now = at(-50).to_utc() - TimeDelta::minutes(5);
        // Comfortable means twice the need: all payloads twice, plus the reserve that must always remain.
        observed.resources.disks = disks(2 * ((32 << 20) + 2 * (2 << 20)));
        assert_eq!(found(&observed), Vec::new());
        observed.resources.disks[0].free -= 1;
        assert_eq!(found(&observed)[0].code, DiskLow);
    }
}
