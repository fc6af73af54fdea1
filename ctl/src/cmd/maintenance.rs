//! `maintenance`: requests a task and waits until it has ended, or writes the copy that it sends.

mod backup;
mod target;

use std::fmt::Write as _;

use cached_proto::client::{ClientError, Events};
use cached_proto::message::{Reply, Request};
use cached_proto::text::one_line;
use cached_proto::verb::maintenance::{
    MaintenanceItem, MaintenanceReport, MaintenanceRequest, MaintenanceSize,
};
use cached_proto::verb::refresh::Progress;
use cached_proto::words::Chore;

use crate::cli::{MaintenanceArgs, MaintenanceTask};
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::progress::Display;
use crate::output::table::{self, cell, numbers, words};
use crate::output::{self, View, bytes, count, json};

/// Sends the request, follows the task and prints the result.
pub(crate) async fn run(args: &MaintenanceArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = match &args.task {
        MaintenanceTask::Analyze => MaintenanceRequest::Analyze,
        MaintenanceTask::Reindex => MaintenanceRequest::Reindex,
        MaintenanceTask::Vacuum => MaintenanceRequest::Vacuum,
        MaintenanceTask::Integrity => MaintenanceRequest::Integrity,
        MaintenanceTask::Backup { file } => return backup::run(file, args.json, context).await,
        MaintenanceTask::Prune { older_than, dry_run } => MaintenanceRequest::Prune {
            older_than_seconds: older_than.map(|age| age.as_secs()),
            dry_run: *dry_run,
        },
    };
    let request = Request::Maintenance(request);
    let (reply, events) = context.follow(&request).await?;
    let Reply::Maintenance(_) = reply else { return Err(CtlError::WrongReply { verb: "maintenance" }) };
    let report = wait(events, context.moving).await?;
    output::print(&if args.json { json::render(&report)? } else { render(&report, &context.view) })?;
    Ok(Exit::good_if(report.good))
}

async fn wait(mut events: Events, moving: bool) -> Result<MaintenanceReport, CtlError> {
    let mut display = Display::new(moving);
    loop {
        match events.next().await {
            Ok(Some(Progress::MaintenanceDone(report))) => return Ok(report),
            Ok(Some(event)) => display.observe(&event),
            Ok(None) => return Err(CtlError::LostTask(None)),
            // A fault means that the task has failed, not that the connection was lost.
            Err(error @ ClientError::Fault(_)) => return Err(error.into()),
            Err(source) => return Err(CtlError::LostTask(Some(source))),
        }
    }
}

fn render(report: &MaintenanceReport, view: &View) -> String {
    let mut text = match report.chore {
        Chore::Prune => pruned(report, view),
        _ => listing(report, view),
    };
    for (item, message) in
        report.items.iter().flat_map(|item| item.messages.iter().map(move |said| (item, said)))
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
    table::render(
        view,
        &[words("NAME"), numbers("SIZE"), numbers("SECONDS")],
        report.items.iter().map(row).collect(),
    )
}

fn pruned(report: &MaintenanceReport, view: &View) -> String {
    let rows = if report.dry_run { "WOULD REMOVE" } else { "REMOVED" };
    let row = |item: &MaintenanceItem| {
        vec![cell(&item.name), cell(item.rows.to_string()), cell(size_or_dash(item.bytes))]
    };
    table::render(
        view,
        &[words("TABLE"), numbers(rows), numbers("SIZE")],
        report.items.iter().map(row).collect(),
    )
}

fn size_or_dash(size: u64) -> String {
    if size == 0 { "-".to_owned() } else { bytes(size) }
}

fn verdict(report: &MaintenanceReport) -> String {
    let seconds = report.seconds;
    let what = match (report.chore, &report.file) {
        (Chore::Integrity, _) if report.good => "no damage found".to_owned(),
        (Chore::Integrity, _) => "DAMAGED: restore a backup, and keep a copy of the damaged file".to_owned(),
        (Chore::Backup, file) => {
            format!("copied to {}", one_line(file.as_deref().unwrap_or("standard output")))
        }
        (Chore::Prune, _) => {
            let rows: u64 = report.items.iter().map(|item| item.rows).sum();
            let would = if report.dry_run { "would be " } else { "" };
            let entries = count(usize::try_from(rows).unwrap_or(usize::MAX), "entry");
            format!("{entries} {would}removed")
        }
        (chore, _) => format!("{chore} done"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HOSTILE, view};

    fn item(name: &str, rows: u64, bytes: u64, messages: &[&str]) -> MaintenanceItem {
        let messages = messages.iter().map(|message| (*message).to_owned()).collect();
        MaintenanceItem { name: name.to_owned(), rows, bytes, seconds: 0.25, messages }
    }

    fn report(chore: Chore, items: Vec<MaintenanceItem>) -> MaintenanceReport {
        MaintenanceReport {
            chore,
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
    fn pruning_tells_table_by_table_what_went_or_would_go() {
        let items =
            vec![item("dia_events_report_cache", 0, 0, &[]), item("organization_detail_cache", 3, 1200, &[])];
        let dry_run = MaintenanceReport { dry_run: true, ..report(Chore::Prune, items.clone()) };
        insta::assert_snapshot!(render(&report(Chore::Prune, items), &view()), @r"
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
    fn damage_is_told_line_by_line_and_cannot_forge_any() {
        let items = vec![
            item("/srv/vms.db", 0, 8192, &["row 7 missing from index x", HOSTILE]),
            item(HOSTILE, 0, 0, &[]),
        ];
        let bad = MaintenanceReport {
            good: false,
            notes: vec![HOSTILE.to_owned()],
            ..report(Chore::Integrity, items)
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
    fn a_backup_says_where_it_is() {
        let items = vec![item("/backup/vms.db", 0, 3_072_000, &[])];
        let file = Some("/backup/vms.db".to_owned());
        insta::assert_snapshot!(render(&MaintenanceReport { file, ..report(Chore::Backup, items) }, &view()), @r"
        NAME              SIZE  SECONDS
        /backup/vms.db  3.0 MB     0.25
        copied to /backup/vms.db; 4.0 MB (1.0 MB free) + log 32 B -> 3.0 MB, 1.50 seconds
        ");
    }
}
