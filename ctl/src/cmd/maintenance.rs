//! `maintenance`: requests a task and waits until it has ended, or writes the copy that it sends.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base16ct::lower::encode_string;
use cached_present::{bytes, count};
use cached_proto::client::{ClientError, Events};
use cached_proto::text::one_line;
use cached_proto::verb::backup::{BackupDone, BackupEvent, BackupRequest};
use cached_proto::verb::maintenance::{
    MaintenanceItem, MaintenanceReport, MaintenanceRequest, MaintenanceSize,
};
use cached_proto::verb::refresh::Progress;
use cached_proto::words::MaintenanceTask;
use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::progress::Display;
use crate::output::table::{cell, numbers, words};
use crate::output::target::Target;
use crate::output::{self, View, note, table};
use crate::when;

/// Arguments of `maintenance`.
#[derive(Debug, Args)]
pub(crate) struct MaintenanceArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) task: MaintenanceCommand,
    /// Show no progress, only the result
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// One variant per task.
#[derive(Debug, Subcommand)]
pub(crate) enum MaintenanceCommand {
    /// Collect the statistics that SQLite uses to plan reads of the cache tables
    Analyze,
    /// Rebuild the indexes of the cache tables, one at a time
    ///
    /// VMS's writers wait while an index is built, so an index that would take too long is refused.
    Reindex,
    /// Return the free pages of VMS's database to the file system; VMS must be stopped
    ///
    /// Needs room for two more copies of the file. A copy is made first and kept until the next vacuum.
    Vacuum,
    /// Check VMS's database and the daemon's own for damage; exits with 1 if any is found
    Integrity,
    /// Copy VMS's database as it is now; VMS can keep writing
    ///
    /// The daemon makes, verifies and sends the copy; this program writes it, as the user that runs it. The copy holds
    /// personal data and credentials, so this needs root, the daemon's own user, or membership in the group of
    /// `socket.backup_group`. With -, messages go to standard error.
    Backup {
        /// File to write, which must not exist yet, or - for standard output
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove cache entries that VMS no longer reads and no refresh generates
    Prune {
        /// Only entries that are older than this, for example 30d [default: the configured age]
        #[arg(long, value_name = "DURATION", value_parser = when::length)]
        older_than: Option<Duration>,
        /// Only report what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

/// Sends the request, follows the task and prints the result.
pub(crate) async fn run(args: &MaintenanceArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = match &args.task {
        MaintenanceCommand::Analyze => MaintenanceRequest::Analyze,
        MaintenanceCommand::Reindex => MaintenanceRequest::Reindex,
        MaintenanceCommand::Vacuum => MaintenanceRequest::Vacuum,
        MaintenanceCommand::Integrity => MaintenanceRequest::Integrity,
        MaintenanceCommand::Backup { file } => return backup(file, args.quiet, context).await,
        MaintenanceCommand::Prune { older_than, dry_run } => MaintenanceRequest::Prune {
            older_than_seconds: older_than.map(|age| age.as_secs()),
            dry_run: *dry_run,
        },
    };
    let (_, events) = context.follow(request).await?;
    let report = wait(events, Display::new(args.quiet, context.moving)).await?;
    context.print(&report, |view| render(&report, view))?;
    Ok(Exit::good_if(report.good))
}

async fn wait(mut events: Events<Progress>, mut display: Display) -> Result<MaintenanceReport, CtlError> {
    loop {
        match events.next().await {
            Ok(Some(Progress::MaintenanceDone(report))) => return Ok(report),
            Ok(Some(event)) => display.observe(&event),
            Ok(None) => return Err(CtlError::LostTask(None)),
            Err(error) => return Err(lost(error)),
        }
    }
}

/// A fault means that the task has failed; any other error means that its progress was lost.
fn lost(error: ClientError) -> CtlError {
    match error {
        ClientError::Fault(_) => error.into(),
        lost => CtlError::LostTask(Some(lost)),
    }
}

fn render(report: &MaintenanceReport, view: &View) -> String {
    let mut text = match report.task {
        MaintenanceTask::Prune => pruned(report, view),
        _ => listing(report, view),
    };
    for (item, message) in
        report.items.iter().flat_map(|item| item.messages.iter().map(move |message| (item, message)))
    {
        let _ = writeln!(text, "{}: {}", one_line(&item.name), one_line(message));
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {}", one_line(note));
    }
    let _ = writeln!(text, "{}", verdict(report));
    text
}

fn listing(report: &MaintenanceReport, view: &View) -> String {
    let row = |item: &MaintenanceItem| {
        vec![cell(&item.name), cell(size_or_dash(item.bytes)), cell(format!("{:.2}", item.seconds))]
    };
    let columns = [words("NAME"), numbers("SIZE"), numbers("SECONDS")];
    table::render(view, &columns, report.items.iter().map(row).collect())
}

fn pruned(report: &MaintenanceReport, view: &View) -> String {
    let rows = if report.dry_run { "WOULD REMOVE" } else { "REMOVED" };
    let row = |item: &MaintenanceItem| {
        vec![cell(&item.name), cell(item.rows.to_string()), cell(size_or_dash(item.bytes))]
    };
    let columns = [words("TABLE"), numbers(rows), numbers("SIZE")];
    table::render(view, &columns, report.items.iter().map(row).collect())
}

fn size_or_dash(size: u64) -> String {
    if size == 0 { "-".to_owned() } else { bytes(size) }
}

fn verdict(report: &MaintenanceReport) -> String {
    let seconds = report.seconds;
    let what = match (report.task, &report.file) {
        (MaintenanceTask::Integrity, _) if report.good => "no damage found".to_owned(),
        (MaintenanceTask::Integrity, _) => {
            "DAMAGED: restore a backup, and keep a copy of the damaged file".to_owned()
        }
        (MaintenanceTask::Backup, file) => {
            format!("copied to {}", one_line(file.as_deref().unwrap_or("standard output")))
        }
        (MaintenanceTask::Prune, _) => {
            let rows: u64 = report.items.iter().map(|item| item.rows).sum();
            let would = if report.dry_run { "would be " } else { "" };
            let entries = count(rows, "entry");
            format!("{entries} {would}removed")
        }
        (task, _) => format!("{task} done"),
    };
    let after = size(report.after);
    let sizes =
        if report.before == report.after { after } else { format!("{} -> {after}", size(report.before)) };
    format!("{what}; {sizes}, {seconds:.2} seconds")
}

fn size(size: MaintenanceSize) -> String {
    let free = if size.free == 0 { String::new() } else { format!(" ({} free)", bytes(size.free)) };
    let log = if size.log == 0 { String::new() } else { format!(" + log {}", bytes(size.log)) };
    format!("{}{free}{log}", bytes(size.file))
}

/// Writes a copy to a file that must not exist, or to standard output if the path is `-`.
async fn backup(path: &Path, quiet: bool, context: &Context) -> Result<Exit, CtlError> {
    // Before anything is copied, because most errors are errors of the path.
    let mut target = Target::open(path)?;
    let goes_to_stdout = target.is_stdout();
    // An unfinished file is to be removed; otherwise a signal does what it always does, also while a pipe is full.
    let signals = (!goes_to_stdout).then(|| Signals::new([SIGINT, SIGTERM, SIGHUP]));
    let signals = signals.transpose().map_err(CtlError::Signals)?;
    let what = target.shown();
    let done = tokio::select! {
        received = receive(&mut target, Display::new(quiet, context.moving), context) => received?,
        () = signalled(signals) => return Err(CtlError::Interrupted { what }),
    };
    let (sha256, report) = (done.sha256, named(done.report, &target));
    target.finish(done.bytes)?;
    let text = if context.as_json {
        output::json(&Shown { report: &report, sha256: &sha256 })?
    } else {
        render(&report, &context.view)
    };
    if goes_to_stdout {
        note(text.trim_end());
    } else {
        output::print(&text)?;
    }
    Ok(Exit::good_if(report.good))
}

/// The report in JSON, with the digest of the copy.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    report: &'a MaintenanceReport,
    sha256: &'a str,
}

/// Names the file, which the daemon does not know.
fn named(mut report: MaintenanceReport, target: &Target) -> MaintenanceReport {
    for item in &mut report.items {
        item.name = target.shown();
    }
    report.file = (!target.is_stdout()).then(|| target.shown());
    report
}

async fn signalled(signals: Option<Signals>) {
    match signals {
        Some(mut signals) => drop(signals.next().await),
        None => std::future::pending().await,
    }
}

/// Writes every part, and compares the whole with what the daemon has sent.
async fn receive(
    target: &mut Target,
    mut display: Display,
    context: &Context,
) -> Result<BackupDone, CtlError> {
    let (_, mut parts) = context.follow(BackupRequest).await?;
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    loop {
        match parts.next().await {
            Ok(Some(BackupEvent::Step(step))) => display.observe(&Progress::Step(step)),
            Ok(Some(BackupEvent::Part(part))) => {
                digest.update(&part);
                bytes += part.len() as u64;
                target.write(&part)?;
            }
            Ok(Some(BackupEvent::Done(done))) => {
                let sha256 = encode_string(&digest.finalize());
                if (bytes, &sha256) != (done.bytes, &done.sha256) {
                    return Err(CtlError::CopyDiffers { what: target.shown() });
                }
                return Ok(done);
            }
            Ok(None) => return Err(CtlError::LostTask(None)),
            Err(error) => return Err(lost(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HOSTILE, view};

    fn item(name: &str, rows: u64, bytes: u64, messages: &[&str]) -> MaintenanceItem {
        let messages = messages.iter().map(|message| (*message).to_owned()).collect();
        MaintenanceItem { name: name.to_owned(), rows, bytes, seconds: 0.25, messages }
    }

    fn report(task: MaintenanceTask, items: Vec<MaintenanceItem>) -> MaintenanceReport {
        MaintenanceReport {
            task,
            good: true,
            dry_run: false,
            seconds: 1.5,
            before: MaintenanceSize { file: 4_096_000, free: 1_024_000, log: 32 },
            after: MaintenanceSize { file: 3_072_000, free: 0, log: 0 },
            items,
            file: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn pruning_lists_what_was_or_would_be_removed_by_table() {
        let items =
            vec![item("dia_events_report_cache", 0, 0, &[]), item("organization_detail_cache", 3, 1200, &[])];
        let dry_run = MaintenanceReport { dry_run: true, ..report(MaintenanceTask::Prune, items.clone()) };
        insta::assert_snapshot!(render(&report(MaintenanceTask::Prune, items), &view()), @r"
        TABLE                      REMOVED    SIZE
        dia_events_report_cache          0       -
        organization_detail_cache        3  1.2 kB
        3 entries removed; 4.0 MB (1.0 MB free) + log 32 B -> 3.0 MB, 1.50 seconds
        ");
        insta::assert_snapshot!(render(&dry_run, &view()), @r"
        TABLE                      WOULD REMOVE    SIZE
        dia_events_report_cache               0       -
        organization_detail_cache             3  1.2 kB
        3 entries would be removed; 4.0 MB (1.0 MB free) + log 32 B -> 3.0 MB, 1.50 seconds
        ");
    }

    #[test]
    fn each_finding_of_damage_is_one_line_whatever_it_contains() {
        let items = vec![
            item("/srv/vms.db", 0, 8192, &["row 7 missing from index x", HOSTILE]),
            item(HOSTILE, 0, 0, &[]),
        ];
        let bad = MaintenanceReport {
            good: false,
            notes: vec![HOSTILE.to_owned()],
            ..report(MaintenanceTask::Integrity, items)
        };
        insta::assert_snapshot!(render(&bad, &view()), @r"
        NAME                                             SIZE  SECONDS
        /srv/vms.db                                    8.1 kB     0.25
        all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end       -     0.25
        /srv/vms.db: row 7 missing from index x
        /srv/vms.db: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        note: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        DAMAGED: restore a backup, and keep a copy of the damaged file; 4.0 MB (1.0 MB free) + log 32 B -> 3.0 MB, 1.50 seconds
        ");
    }

    #[test]
    fn a_backup_names_its_file() {
        let items = vec![item("/backup/vms.db", 0, 3_072_000, &[])];
        let file = Some("/backup/vms.db".to_owned());
        insta::assert_snapshot!(render(&MaintenanceReport { file, ..report(MaintenanceTask::Backup, items) }, &view()), @r"
        NAME              SIZE  SECONDS
        /backup/vms.db  3.0 MB     0.25
        copied to /backup/vms.db; 4.0 MB (1.0 MB free) + log 32 B -> 3.0 MB, 1.50 seconds
        ");
    }
}
