//! Recruitment reports.
//!
//! * Candidates: the highest score first, ties by id; a score is the sum of its breakdown, with no more
//!   reasons than lines; no person is listed twice.
//! * Upcoming DIA events: the earliest first, all of them in the future, each in one list only.

use cached::vms::tables::Table;
use cached::vms::time;
use cached_tests::inside::{Inside, now};
use serde_json::Value;

use super::stored::{Row, list, number, ordered, rows, same, text};

/// Maximum number of candidates per event.
const LIMIT: usize = 2000;

pub(crate) fn check(inside: &Inside) {
    rows(inside, Table::RecruitmentCandidatesCache).iter().for_each(candidates);
    rows(inside, Table::DiaEventsReportCache).iter().for_each(dia);
}

fn candidates(row: &Row) {
    let candidates = row.column("candidates_data").as_array().unwrap();
    assert!(candidates.len() <= LIMIT, "{}", row.name);
    let rank = |candidate: &Value| (-number(candidate, "score"), number(candidate, "id"));
    ordered(candidates, |a, b| rank(a) < rank(b), &row.name);
    for candidate in candidates {
        let points = text(candidate, "breakdown").lines().map(|line| {
            let (_, points) = line.rsplit_once(": +").unwrap();
            points.split(' ').next().unwrap().parse::<f64>().unwrap()
        });
        same(number(candidate, "score"), points.sum(), &format!("{}: {candidate}", row.name));
        let lines = text(candidate, "breakdown").lines().count();
        let reasons = list(candidate, "reasons").len();
        assert!(reasons <= lines, "{}: {candidate}", row.name);
        assert!(list(candidate, "skills").len() <= 8, "{}: {candidate}", row.name);
    }
    let mut ids: Vec<u64> = candidates.iter().map(|candidate| candidate["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ordered(&ids, |a, b| a < b, &row.name);
}

fn dia(row: &Row) {
    let report = row.column("report_data");
    let filled: Vec<&Value> = list(report, "filled_events").iter().map(|filled| &filled["event"]).collect();
    let unfilled: Vec<&Value> = list(report, "unfilled_events").iter().collect();
    let now = time::iso(now().naive_utc());
    for events in [&filled, &unfilled] {
        let rank = |event: &Value| (text(event, "start_date").to_owned(), text(event, "type").to_owned());
        ordered(events, |a, b| rank(a) <= rank(b), &row.name);
        assert!(events.iter().all(|event| text(event, "start_date") > now.as_str()), "{}", row.name);
    }
    let both = unfilled.iter().any(|event| filled.iter().any(|other| other["id"] == event["id"]));
    assert!(!both, "{}: an event is both filled and unfilled", row.name);
}
