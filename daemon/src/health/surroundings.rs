//! Checks of what is around the daemon: clock, disks, log, VMS's page, and its own parts.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::health::VmsPage;
use cached_proto::verb::history::Run;
use chrono::{DateTime, TimeDelta, Utc};

use super::seen::{Audience, Finding, Seen};
use crate::maintenance::disk_space;
use crate::supervise::{LOCK, SOCKET};
use crate::telemetry::ComplaintCause;

/// Largest tolerated difference; the clocks of a well-kept machine differ by less.
const TOLERATED: TimeDelta = TimeDelta::minutes(5);

/// Fewest files that can still be created before a warning is due: a night makes a journal beside either
/// database and a rotated log, and others create files, too.
const FILES: u64 = 32;

/// Response time in milliseconds from which users notice a delay.
const SLOW: u64 = 2000;

pub(super) fn clock_behind(seen: &Seen, audience: Audience) -> Option<Finding> {
    let runs = [&seen.last, &seen.current]
        .into_iter()
        .flatten()
        .filter_map(|run| newest(run).map(|at| (at, audience.run(run.id))));
    let stamps = seen.tables.iter().flatten().filter_map(|survey| {
        Some((survey.audit.newest?, format!("an entry of {}", audience.table(survey.table))))
    });
    let (at, what) = runs.chain(stamps).max_by_key(|(at, _)| *at)?;
    (at > seen.now + TOLERATED).then(|| {
        let format = "%F %T UTC";
        let (now, at) = (seen.now.format(format), at.format(format));
        let message = format!("the clock shows {now}, but {what} is from {at}: one of them is wrong");
        let hint = "`timedatectl` shows whether the clock is right; once it is, `cachectl refresh --force` stamps \
                    all entries anew";
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

pub(super) fn socket_lost(seen: &Seen, _: Audience) -> Option<Finding> {
    let fault = seen.faults.iter().find(|fault| fault.component == SOCKET)?;
    let message = format!("the control socket is lost: {}", fault.what);
    let hint = "look at its directory with `ls -ld` and make it again if it is gone; the daemon tries again every 10 \
                seconds, and refreshes go on meanwhile";
    Some(Finding::degraded(message, hint))
}

pub(super) fn lock_lost(seen: &Seen, _: Audience) -> Option<Finding> {
    let fault = seen.faults.iter().find(|fault| fault.component == LOCK)?;
    let message = format!("the lock of the state is lost: {}", fault.what);
    let hint = "look at the rights of the directory with `ls -ld` and at the free space with `df -h`; the daemon looks \
                every 10 seconds";
    Some(Finding::degraded(message, hint))
}

pub(super) fn component_failed(seen: &Seen, _: Audience) -> Option<Finding> {
    let others = seen.faults.iter().filter(|fault| ![SOCKET, LOCK].contains(&fault.component));
    let what: Vec<String> = others.map(|fault| format!("{}: {}", fault.component, fault.what)).collect();
    let message = format!("parts of the daemon do not work ({})", what.join("; "));
    let hint = "they are tried again by themselves, and refreshes go on meanwhile; `cachectl logs` says more";
    (!what.is_empty()).then(|| Finding::degraded(message, hint))
}

/// Reports file systems that run out of inodes, which space does not show.
pub(super) fn inodes_low(seen: &Seen, _: Audience) -> Option<Finding> {
    let disks = seen.around.disks.iter().filter_map(|disk| Some((disk.path.display(), disk.inodes?)));
    let tight: Vec<String> = disks
        .filter(|(_, inodes)| *inodes < FILES)
        .map(|(path, inodes)| format!("{path} has {inodes} inodes left: it takes no more files than that, however much space is free"))
        .collect();
    let hint = "remove files that nobody needs: `df -i` shows the file systems, `du -x --inodes / | sort -n | tail` where \
                most files are";
    (!tight.is_empty()).then(|| Finding::degraded(tight.join("; "), hint))
}

pub(super) fn disk_low(seen: &Seen, _: Audience) -> Option<Finding> {
    let payload: u64 = seen.tables.iter().flatten().map(|survey| survey.audit.bytes).sum();
    let tight: Vec<String> = seen
        .around
        .disks
        .iter()
        .filter_map(|disk| {
            let payload = if disk.holds_vms { payload.max(seen.estimate) } else { 0 };
            let need = disk_space::refresh_needs(payload);
            let (path, free) = (disk.path.display(), disk.free);
            (free < disk_space::comfortable(payload)).then(|| {
                format!(
                    "{path} has {} MB free, a refresh needs up to {} MB and some to spare",
                    free >> 20,
                    need >> 20
                )
            })
        })
        .collect();
    let hint = "free some space: `df -h` and `du -xh --max-depth=2 / | sort -h` show where it went";
    (!tight.is_empty()).then(|| Finding::degraded(tight.join("; "), hint))
}

pub(super) fn log_unwritable(seen: &Seen, _: Audience) -> Option<Finding> {
    let complaint = seen.around.log.as_ref()?;
    let hint = match complaint.cause {
        ComplaintCause::Link => {
            "remove the link, which is not followed, since whoever may write to the directory could lead it anywhere: set \
             `log.dir` to the directory that shall hold the log, or to \"\" to have the journal only, `journalctl -u cached`"
        }
        ComplaintCause::NoInodes => {
            "remove files that nobody needs: `df -i` shows that the file system takes no more of them; the journal has what \
             the file lacks: `journalctl -u cached`"
        }
        ComplaintCause::Other => {
            "look at the free space with `df -h`, and at the rights of the directory with `ls -ld`; the journal has what the \
             file lacks: `journalctl -u cached`"
        }
    };
    Some(Finding::degraded(complaint.message.clone(), hint))
}

pub(super) fn vms_page_failed(seen: &Seen, _: Audience) -> Option<Finding> {
    let page = seen.vms_page.as_ref().filter(|page| !answers(page))?;
    let VmsPage { url, status, milliseconds, error } = page;
    let (url, error) = (one_line(url), one_line(error.as_deref().unwrap_or_default()));
    let message = match status {
        Some(status) => format!("VMS's page {url} answered with status {status} after {milliseconds} ms"),
        None => format!("VMS's page {url} did not answer: {error} (after {milliseconds} ms)"),
    };
    let hint = "look at VMS itself and at its log, `journalctl` or the web server's; if the address is wrong, \
                correct vms.probe_url";
    Some(Finding::degraded(message, hint))
}

pub(super) fn vms_page_slow(seen: &Seen, _: Audience) -> Option<Finding> {
    let page = seen.vms_page.as_ref().filter(|page| answers(page) && page.milliseconds >= SLOW)?;
    let (url, took) = (one_line(&page.url), page.milliseconds);
    let message = format!("VMS's page {url} took {took} ms to answer; {SLOW} are already too many");
    let hint = "`top` and `cachectl jobs --running` show whether the machine is busy; `cachectl status` shows whether \
                the page's table is fresh";
    Some(Finding::degraded(message, hint))
}

/// Whether VMS answered. A redirect, for example to the login page, counts; it is not followed.
fn answers(page: &VmsPage) -> bool {
    page.status.is_some_and(|status| (200..400).contains(&status))
}

#[cfg(test)]
mod tests {
    use cached_proto::words::HealthLevel;

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{at, disks, each, found, page, seen};
    use crate::supervise::Fault;
    use crate::telemetry::Complaint;
    use HealthLevel::Degraded;
    use ReasonCode::{
        ClockBehind, ComponentFailed, DiskLow, InodesLow, LockLost, LogUnwritable, SocketLost, VmsPageFailed,
        VmsPageSlow,
    };

    #[test]
    fn each_problem_has_its_code_its_level_and_a_command_to_type() {
        each(&[
            (LogUnwritable, Degraded, |seen| seen.around.log = Some(complaint(ComplaintCause::Other))),
            (SocketLost, Degraded, |seen| seen.faults = vec![fault("control socket")]),
            (LockLost, Degraded, |seen| seen.faults = vec![fault("state lock")]),
            (ComponentFailed, Degraded, |seen| seen.faults = vec![fault("web"), fault("notify")]),
            (VmsPageFailed, Degraded, |seen| seen.vms_page = Some(page(Some(502), 12))),
            (VmsPageFailed, Degraded, |seen| seen.vms_page = Some(page(None, 5000))),
            (VmsPageSlow, Degraded, |seen| seen.vms_page = Some(page(Some(302), 2000))),
            (ClockBehind, Degraded, |seen| seen.now -= TimeDelta::hours(1)),
            (DiskLow, Degraded, |seen| seen.around.disks = disks(1 << 20)),
            (InodesLow, Degraded, |seen| seen.around.disks[1].inodes = Some(31)),
        ]);
    }

    fn fault(component: &'static str) -> Fault {
        Fault { component, what: "it ended".to_owned() }
    }

    fn complaint(cause: ComplaintCause) -> Complaint {
        Complaint { message: "the log file /l/cache_manager.log cannot be written".to_owned(), cause }
    }

    #[test]
    fn a_log_that_cannot_be_written_has_the_hint_of_its_cause() {
        for (cause, part) in [
            (ComplaintCause::Link, "is not followed"),
            (ComplaintCause::NoInodes, "`df -i`"),
            (ComplaintCause::Other, "`df -h`"),
        ] {
            let mut seen = seen();
            seen.around.log = Some(complaint(cause));
            let reason = found(&seen).remove(0);
            assert!(reason.finding.hint.contains(part), "{cause:?}: {}", reason.finding.hint);
        }
    }

    #[test]
    fn a_file_system_without_a_limit_of_files_never_runs_out_of_inodes() {
        let mut seen = seen();
        for disk in &mut seen.around.disks {
            disk.inodes = None;
        }
        assert_eq!(found(&seen), Vec::new());
        seen.around.disks[0].inodes = Some(0);
        let reason = found(&seen).remove(0);
        assert!(reason.finding.message.starts_with("/srv has 0 inodes left"), "{}", reason.finding.message);
    }

    #[test]
    fn before_the_first_refresh_its_expected_size_counts() {
        let mut seen = seen();
        seen.around.disks = disks(1 << 30);
        seen.estimate = 1 << 30;
        let reasons = found(&seen);
        assert_eq!(reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), [DiskLow]);
        assert!(!reasons[0].finding.message.contains("/var/lib"), "{}", reasons[0].finding.message);
    }

    #[test]
    fn what_is_just_within_its_bounds_is_fine() {
        let mut seen = seen();
        seen.now = at(-50).to_utc() - TimeDelta::minutes(5);
        // Comfortable means twice the need: all payloads twice, plus the reserve that must always be left.
        seen.around.disks = disks(2 * ((32 << 20) + 2 * (2 << 20)));
        assert_eq!(found(&seen), Vec::new());
        seen.around.disks[0].free -= 1;
        assert_eq!(found(&seen)[0].code, DiskLow);
    }
}
