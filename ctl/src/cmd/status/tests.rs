//! What `status` prints.

use cached_proto::verb::jobs::Job;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{Outcome, Table, TableState, Trigger};

use super::*;
use crate::output;
use crate::output::Style;
use crate::testing::{HOSTILE, at, job, run as ended_run, view, visible};

fn table(table: Table, state: TableState) -> TableStatus {
    let overdue = if state == TableState::Stale { 2 } else { 0 };
    TableStatus {
        cache_type: table.cache_type(),
        table,
        state,
        expected: 21,
        fresh: 21 - overdue,
        stale: overdue,
        missing: 0,
        incomplete: 0,
        invalid: 0,
        unmanaged: 1,
        oldest: Some(at("2026-11-22T08:00:03Z")),
        newest: Some(at("2026-11-22T20:43:19Z")),
        bytes: None,
        last_error: None,
        note: None,
    }
}

fn reply(tables: Vec<TableStatus>) -> StatusReply {
    StatusReply {
        scheduler: SchedulerState::Running,
        next_run: Some(at("2026-11-23T08:00:00Z")),
        timezone: "America/Chicago".into(),
        current_run: None,
        last_run: Some(Run { trigger: Trigger::Schedule, ..ended_run(Vec::new()) }),
        queued_runs: 0,
        database_error: None,
        tables,
    }
}

fn fresh() -> StatusReply {
    reply(vec![
        table(Table::DistrictYearEndReports, TableState::Fresh),
        table(Table::RecentVolunteersReportCache, TableState::Fresh),
    ])
}

fn troubled() -> StatusReply {
    let absent = TableStatus {
        expected: 0,
        fresh: 0,
        oldest: None,
        newest: None,
        ..table(Table::DistrictEngagementReports, TableState::NotApplicable)
    };
    let withheld = TableStatus {
        oldest: None,
        newest: None,
        expected: 0,
        fresh: 0,
        note: Some("3 active users may see only some districts".into()),
        ..table(Table::VirtualSessionReportCache, TableState::Withheld)
    };
    let guarded = TableStatus {
        last_error: Some(HOSTILE.into()),
        missing: 1,
        ..table(Table::DiaEventsReportCache, TableState::Guarded)
    };
    reply(vec![
        table(Table::DistrictYearEndReports, TableState::Stale),
        absent,
        table(Table::OrganizationSummaryCache, TableState::Fresh),
        table(Table::OrganizationDetailCache, TableState::Stale),
        withheld,
        guarded,
    ])
}

#[test]
fn fresh_tables_are_listed_below_a_good_verdict() {
    insta::assert_snapshot!(render(&fresh(), &[], &view()), @r"
    All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)

    TYPE       TABLE                           STATE  FRESH       OLDEST  NEWEST
    district   district_year_end_reports       fresh  21/21  12 h 43 min    41 s
    volunteer  recent_volunteers_report_cache  fresh  21/21  12 h 43 min    41 s
    The terminal is too narrow for UNMANAGED; `--json` has all.
    ");
}

#[test]
fn what_the_last_run_computed_is_named_and_whole_tables_are_listed() {
    let table = |table, entries, of| Computed { table, entries, of };
    let (years, recent) = (Table::DistrictYearEndReports, Table::RecentVolunteersReportCache);
    let withheld = table(Table::VirtualSessionReportCache, 0, 0);
    for (computed, line) in [
        (vec![], None),
        (vec![withheld], None),
        (vec![table(years, 0, 21), table(recent, 0, 140), withheld], Some("0 of 161 entries")),
        (vec![table(years, 0, 21), table(recent, 35, 140)], Some("35 of 161 entries")),
        (
            vec![table(years, 21, 21), table(recent, 35, 140), withheld],
            Some("56 of 161 entries, all of district_year_end_reports"),
        ),
        (vec![table(years, 21, 21), table(recent, 140, 140)], Some("all of 161 entries")),
    ] {
        let text = render(&fresh(), &computed, &view());
        assert_eq!(text.lines().find_map(|text| text.strip_prefix("Computed   ")), line, "{computed:?}");
    }
}

#[test]
fn problems_are_in_the_verdict_and_explained_below_the_listing() {
    insta::assert_snapshot!(render(&troubled(), &[], &view()), @r"
    3 of 4 tables need attention: 2 stale, 1 guarded; next refresh Mon 23 Nov 02:00 CST

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)

    TABLE                         STATE           FRESH       OLDEST
    district_year_end_reports     stale           19/21  12 h 43 min
    district_engagement_reports   not applicable      -            -
    organization_summary_cache    fresh           21/21  12 h 43 min
    organization_detail_cache     stale           19/21  12 h 43 min
    virtual_session_report_cache  withheld            -            -
    dia_events_report_cache       guarded         21/21  12 h 43 min
    The terminal is too narrow for TYPE, NEWEST, UNMANAGED; `--json` has all.

    2 tables: 2 stale of 21 entries
      district_year_end_reports, organization_detail_cache
    virtual_session_report_cache: 3 active users may see only some districts
    dia_events_report_cache: 1 missing of 21 entries
    dia_events_report_cache: last error: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
    ");
}

#[test]
fn the_reason_that_holds_a_table_back_is_printed_once() {
    let held = Some("event went from 80 to 5 rows".to_owned());
    let guarded = TableStatus {
        note: held.clone(),
        last_error: held,
        ..table(Table::DiaEventsReportCache, TableState::Guarded)
    };
    let failed = TableStatus { last_error: Some("the disk is full".into()), ..guarded.clone() };
    for (table, problems) in [
        (guarded, "dia_events_report_cache: event went from 80 to 5 rows\n"),
        (
            failed,
            "dia_events_report_cache: event went from 80 to 5 rows\n\
             dia_events_report_cache: last error: the disk is full\n",
        ),
    ] {
        assert_eq!(super::problems(&reply(vec![table]), &view()), problems);
    }
}

#[test]
fn a_file_gets_every_column_and_sizes_when_measured() {
    let mut reply = fresh();
    reply.tables[0].bytes = Some(1_234_567);
    insta::assert_snapshot!(render(&reply, &[], &View { width: None, ..view() }), @r"
    All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)

    TYPE       TABLE                           STATE  FRESH       OLDEST  NEWEST  UNMANAGED    SIZE
    district   district_year_end_reports       fresh  21/21  12 h 43 min    41 s          1  1.2 MB
    volunteer  recent_volunteers_report_cache  fresh  21/21  12 h 43 min    41 s          1       -
    ");
}

#[test]
fn a_run_in_progress_shows_how_far_it_is() {
    let queued =
        Job { phase: Phase::Queued, outcome: None, ..job(3, Table::DiaEventsReportCache, Outcome::Rebuilt) };
    let running =
        Job { id: 2, phase: Phase::Running, table: Table::OrganizationDetailCache, ..queued.clone() };
    let done = job(1, Table::DistrictYearEndReports, Outcome::Rebuilt);
    let current =
        Run { phase: Phase::Running, ended: None, outcome: None, ..ended_run(vec![done, running, queued]) };
    let reply = StatusReply { current_run: Some(current), queued_runs: 1, ..fresh() };
    let text = render(&reply, &[], &view());
    insta::assert_snapshot!(text.lines().take(6).collect::<Vec<_>>().join("\n"), @r"
    All 2 tables are fresh; run 12 is in progress

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Current    run 12 (manual), 1 of 3 tables done in 3 min 59 s, now organization_detail_cache
    Waiting    1 more in the queue
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)
    ");
}

#[test]
fn the_verdict_is_one_line_for_every_kind_of_status() {
    let one = |state| reply(vec![table(Table::DiaEventsReportCache, state)]);
    let cases = [
        fresh(),
        one(TableState::Fresh),
        one(TableState::Disabled),
        one(TableState::Off),
        reply(Vec::new()),
        StatusReply { tables: troubled().tables[..3].to_vec(), ..fresh() },
        StatusReply { tables: troubled().tables[..4].to_vec(), ..fresh() },
        troubled(),
        StatusReply { scheduler: SchedulerState::Stopped, next_run: None, ..fresh() },
        StatusReply { next_run: None, ..fresh() },
        StatusReply { current_run: Some(ended_run(Vec::new())), ..fresh() },
        StatusReply { database_error: Some(HOSTILE.into()), ..fresh() },
    ];
    let verdicts: Vec<String> = cases.iter().map(|reply| verdict(reply, &view())).collect();
    insta::assert_snapshot!(verdicts.join("\n"), @r"
    All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST
    The 1 table is fresh; next refresh Mon 23 Nov 02:00 CST
    The 1 table is disabled: dia_events_report_cache; next refresh Mon 23 Nov 02:00 CST
    No table is being kept fresh; next refresh Mon 23 Nov 02:00 CST
    No table is being kept fresh; next refresh Mon 23 Nov 02:00 CST
    1 of 2 tables is stale: district_year_end_reports; next refresh Mon 23 Nov 02:00 CST
    2 of 3 tables are stale: district_year_end_reports, organization_detail_cache; next refresh Mon 23 Nov 02:00 CST
    3 of 4 tables need attention: 2 stale, 1 guarded; next refresh Mon 23 Nov 02:00 CST
    All 2 tables are fresh; the scheduler is stopped
    All 2 tables are fresh; no refresh is scheduled
    All 2 tables are fresh; run 12 is in progress
    The VMS database cannot be read: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end; next refresh Mon 23 Nov 02:00 CST
    ");
}

#[test]
fn a_daemon_without_runs_and_tables_still_has_a_status() {
    let reply = StatusReply { scheduler: SchedulerState::Stopped, last_run: None, ..reply(Vec::new()) };
    insta::assert_snapshot!(render(&reply, &[], &view()), @r"
    No table is being kept fresh; the scheduler is stopped

    Scheduler  stopped; `cachectl start-scheduler` starts it
    Last       no run yet
    ");
}

#[test]
fn states_are_coloured_on_a_terminal() {
    let view = View { style: Style { colour: true }, ..view() };
    insta::assert_snapshot!(visible(&render(&troubled(), &[], &view)), @r"
    <ESC>[31m3 of 4 tables need attention: 2 stale, 1 guarded<ESC>[0m; next refresh Mon 23 Nov 02:00 CST

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)

    <ESC>[1mTABLE                         <ESC>[0m<ESC>[1mSTATE           <ESC>[0m<ESC>[1mFRESH  <ESC>[0m<ESC>[1m     OLDEST<ESC>[0m
    district_year_end_reports     <ESC>[38;5;3mstale           <ESC>[39m19/21  12 h 43 min
    district_engagement_reports   not applicable      -            -
    organization_summary_cache    <ESC>[38;5;2mfresh           <ESC>[39m21/21  12 h 43 min
    organization_detail_cache     <ESC>[38;5;3mstale           <ESC>[39m19/21  12 h 43 min
    virtual_session_report_cache  withheld            -            -
    dia_events_report_cache       <ESC>[38;5;1mguarded         <ESC>[39m21/21  12 h 43 min
    The terminal is too narrow for TYPE, NEWEST, UNMANAGED; `--json` has all.

    2 tables: 2 stale of 21 entries
      district_year_end_reports, organization_detail_cache
    virtual_session_report_cache: 3 active users may see only some districts
    dia_events_report_cache: 1 missing of 21 entries
    dia_events_report_cache: last error: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
    ");
}

#[test]
fn json_keeps_its_keys() {
    let dia = Table::DiaEventsReportCache;
    let status = StatusReply { last_run: None, ..reply(vec![table(dia, TableState::Fresh)]) };
    let full = FullStatus { status, computed: vec![Computed { table: dia, entries: 3, of: 21 }] };
    insta::assert_snapshot!(output::json(&full).unwrap(), @r#"
    {
      "scheduler": "running",
      "next_run": "2026-11-23T08:00:00Z",
      "timezone": "America/Chicago",
      "current_run": null,
      "last_run": null,
      "queued_runs": 0,
      "database_error": null,
      "tables": [
        {
          "type": "recruitment",
          "table": "dia_events_report_cache",
          "state": "fresh",
          "expected": 21,
          "fresh": 21,
          "stale": 0,
          "missing": 0,
          "incomplete": 0,
          "invalid": 0,
          "unmanaged": 1,
          "oldest": "2026-11-22T08:00:03Z",
          "newest": "2026-11-22T20:43:19Z",
          "bytes": null,
          "last_error": null,
          "note": null
        }
      ],
      "computed": [
        {
          "table": "dia_events_report_cache",
          "entries": 3,
          "of": 21
        }
      ]
    }
    "#);
}

#[test]
fn a_note_that_several_tables_share_is_printed_once_with_their_names() {
    let held =
        |table: TableStatus| TableStatus { note: Some("event went from 80 to 5 rows".to_owned()), ..table };
    let tables = Table::ALL[..5].iter().map(|name| held(table(*name, TableState::Guarded)));
    let mut reply = reply(tables.collect());
    reply.tables[1].last_error = Some("the disk is full".into());
    insta::assert_snapshot!(render(&reply, &[], &view()), @r"
    5 of 5 tables are guarded; next refresh Mon 23 Nov 02:00 CST

    Scheduler  running, next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)
    Last       run 12 (schedule) done in 4.56 s, Sun 22 Nov 14:40 CST (3 min 55 s ago)

    TYPE          TABLE                        STATE    FRESH       OLDEST  NEWEST
    district      district_year_end_reports    guarded  21/21  12 h 43 min    41 s
    district      district_engagement_reports  guarded  21/21  12 h 43 min    41 s
    organization  organization_summary_cache   guarded  21/21  12 h 43 min    41 s
    organization  organization_detail_cache    guarded  21/21  12 h 43 min    41 s
    organization  organization_reports         guarded  21/21  12 h 43 min    41 s
    The terminal is too narrow for UNMANAGED; `--json` has all.

    5 tables: event went from 80 to 5 rows
      district_year_end_reports, district_engagement_reports,
      organization_summary_cache, organization_detail_cache, organization_reports
    district_engagement_reports: last error: the disk is full
    ");
}

#[test]
fn a_watch_clears_a_terminal_each_time_and_writes_elsewhere_only_what_changed() {
    let full = FullStatus { status: fresh(), computed: Vec::new() };
    let stopped = FullStatus {
        status: StatusReply { scheduler: SchedulerState::Stopped, ..fresh() },
        computed: Vec::new(),
    };
    let file = View { width: None, ..view() };
    for (shown, now, view, before) in [
        (None, &full, view(), Some("\u{1b}[H\u{1b}[2J")),
        (Some(&full), &full, view(), Some("\u{1b}[H\u{1b}[2J")),
        (None, &full, file, Some("")),
        (Some(&full), &full, file, None),
        (Some(&full), &stopped, file, Some("\n")),
    ] {
        assert_eq!(super::before(shown, now, &view), before);
    }
}
