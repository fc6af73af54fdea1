//! The plots of the pages: what they say about a history that is given as rows of the state database.

use cached_proto::words::{Phase, Table};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, Database};

use crate::boot::{Home, finished, within, working};
use crate::queue::Locked;
use crate::web_pages::{Ada, is_well_formed, serve_pages};

/// The table of the written history, and its title.
const TABLE: &str = "dia_events_report_cache";
const TITLE: &str = "DIA events";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// One job of the table: when its run was queued, its outcome, bytes.
struct Night(DateTime<Utc>, &'static str, u64);

/// A sample: when, and how many of 21 entries were accepted.
type Sample = (&'static str, u64);

/// Executes statements on the state database of a home whose daemon does not run.
async fn state(home: &Home, statements: &[String]) {
    let db = Database::connect(format!("sqlite://{}", home.path("state.db").display())).await.unwrap();
    for sql in statements {
        db.execute_unprepared(sql).await.unwrap();
    }
    db.close().await.unwrap();
}

/// Writes jobs and samples into the state. Their numbers are below those of the first run, which is the newest one.
async fn lives(home: &Home, nights: &[Night], samples: &[Sample]) {
    let mut statements = vec!["DELETE FROM readiness".to_owned()];
    for (number, Night(queued, outcome, bytes)) in (1_i64..).zip(nights) {
        let queued = queued.timestamp_micros();
        statements.push(format!(
            "INSERT INTO runs (id, \"trigger\", priority, force, accept, exact, phase, queued, started, ended, outcome) \
             VALUES (-{number}, 'manual', 1, 0, 0, 0, 'done', {queued}, {queued}, {queued}, '{outcome}')"
        ));
        statements.push(format!(
            "INSERT INTO jobs (id, run_id, table_name, ordinal, phase, outcome, bytes, seconds) \
             VALUES (-{number}, -{number}, '{TABLE}', 0, 'done', '{outcome}', {bytes}, 0.5)"
        ));
    }
    for (taken, accepted) in samples {
        let taken = at(taken).timestamp_micros();
        statements.push(format!("INSERT INTO readiness VALUES ({taken}, 21, {accepted})"));
    }
    state(home, &statements).await;
}

/// The part of the page with this id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section class=\"card\" id=\"{id}\">")).unwrap();
    rest.split_once("</section>").unwrap().0
}

/// The plot of the table.
fn trend(page: &str) -> &str {
    let trends = section(page, "trends");
    let (_, rest) = trends.split_once(&format!("<h3 id=\"trend-{TABLE}\">")).unwrap();
    rest.split_once("</details>").unwrap().0
}

/// Every fifth of 120 nights before the tenth of March is missing.
fn with_gaps() -> Vec<Night> {
    let nights = (1..=120).filter(|back| back % 5 != 0);
    nights.map(|back| Night(at("2026-03-10T08:00:00Z") - TimeDelta::days(back), "verified", 2000)).collect()
}

/// A history, and what the page says about it.
struct Case {
    what: &'static str,
    nights: Vec<Night>,
    samples: &'static [Sample],
    /// Parts of the plot of mornings.
    mornings: &'static [&'static str],
    /// Parts of the plot of the table, with how often each occurs.
    trend: &'static [(&'static str, usize)],
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            what: "one day: nothing is known of its morning",
            nights: vec![],
            samples: &[],
            mornings: &["No morning is known yet."],
            trend: &[("<title>10 Mar: ", 1), ("<th scope=\"row\">", 1), ("class=\"column\"", 0)],
        },
        Case {
            what: "one ready morning",
            nights: vec![],
            samples: &[("2026-03-10T12:50:00Z", 21)],
            mornings: &[
                "Everything was ready on the only day with data.",
                "<title>Tue 10 Mar: ready; every entry was there: 21</title>",
                "<title>Mon 9 Mar: no data</title>",
                "<g class=\"good\">",
            ],
            trend: &[],
        },
        Case {
            what: "a sample is no longer valid in the morning",
            nights: vec![],
            samples: &[("2026-03-10T12:30:00Z", 21), ("2026-03-10T13:00:01Z", 21)],
            mornings: &["No morning is known yet."],
            trend: &[],
        },
        Case {
            what: "a late morning, and a night that failed",
            nights: vec![
                Night(at("2026-03-09T07:00:00Z"), "failed", 7),
                Night(at("2026-03-08T07:00:00Z"), "rebuilt", 9000),
                Night(at("2026-03-07T07:00:00Z"), "rebuilt", 0),
                Night(at("2026-03-06T07:00:00Z"), "rebuilt", 500),
                Night(at("2026-03-06T17:00:00Z"), "guarded", 0),
            ],
            samples: &[("2026-03-09T12:59:00Z", 21), ("2026-03-10T12:59:00Z", 19)],
            mornings: &[
                "Everything was ready on 0 of 3 days with data; late on 1; a table failed or was held back on 2.",
                "<title>Fri 6 Mar: failed; 1 table failed or held back that day</title>",
                "<title>Tue 10 Mar: late; 19 of 21 entries were there</title>",
                "<title>Mon 9 Mar: failed; every entry was there: 21; 1 table failed or held back that day</title>",
                "<g class=\"bad\">",
                "<g class=\"warn\">",
            ],
            trend: &[
                ("failed or held back on 2 days<", 1),
                ("<title>9 Mar: failed or held back</title>", 1),
                ("<title>8 Mar: 9.0 kB in 0.50 s</title>", 1),
                ("<title>7 Mar: 0.50 s</title>", 1),
                ("<title>6 Mar: 500 B in 0.50 s, failed or held back</title>", 1),
                ("class=\"column\"", 2),
                ("class=\"bad\"", 2),
            ],
        },
        Case {
            what: "the day on which the clock goes forward begins and ends at midnight of its own offset",
            nights: vec![
                Night(at("2026-03-08T05:59:59Z"), "rebuilt", 1000),
                Night(at("2026-03-08T06:00:00Z"), "rebuilt", 2000),
                Night(at("2026-03-09T04:59:59Z"), "rebuilt", 3000),
                Night(at("2026-03-09T05:00:00Z"), "rebuilt", 4000),
            ],
            samples: &[("2026-03-08T13:00:00Z", 21)],
            mornings: &["<title>Sun 8 Mar: ready; every entry was there: 21</title>"],
            trend: &[
                ("<title>7 Mar: 1.0 kB in 0.50 s</title>", 1),
                ("<title>8 Mar: 3.0 kB in 0.50 s</title>", 1),
                ("<title>9 Mar: 4.0 kB in 0.50 s</title>", 1),
            ],
        },
        Case {
            what: "ninety days with gaps, and nothing older",
            nights: with_gaps(),
            samples: &[],
            mornings: &["No morning is known yet."],
            // 89 days before today, of which 17 are missing, and today.
            trend: &[("<th scope=\"row\">", 73), (" in 0.50 s</title>", 72), ("<span>11 Dec</span>", 1)],
        },
    ]
}

#[tokio::test]
async fn plots_of_days_show_what_is_known_and_leave_out_what_is_not() {
    for Case { what, nights, samples, mornings, trend: parts } in cases() {
        let mut home = Home::lived_in().await;
        serve_pages(&mut home).await;
        lives(&home, &nights, samples).await;
        let daemon = home.boot().await;
        let page = Ada::visits(&home, &daemon).opens("status").await.body;
        assert!(is_well_formed(&page), "{what}: {page}");
        for part in mornings {
            let shown = section(&page, "mornings");
            assert!(shown.contains(part), "{what}: {part} is missing in {shown}");
        }
        for (part, times) in parts {
            assert_eq!(trend(&page).matches(part).count(), *times, "{what}: {part} in {}", trend(&page));
        }
        daemon.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_table_that_is_switched_off_has_no_plot_and_is_named() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    lives(&home, &[], &[]).await;
    state(&home, &[format!("UPDATE jobs SET outcome = 'off', bytes = 0 WHERE table_name = '{TABLE}'")]).await;
    let daemon = home.boot().await;
    let page = Ada::visits(&home, &daemon).opens("status").await.body;
    let trends = section(&page, "trends");
    assert!(!trends.contains(&format!("trend-{TABLE}")), "{trends}");
    let (_, absent) = trends.split_once("Without a refresh in these days: ").unwrap();
    assert!(absent.contains(TITLE), "{absent}");
    // Reports of single organizations are off by default.
    assert_eq!(trends.matches("<svg").count(), Table::ALL.len() - 2, "{trends}");
}

#[tokio::test]
async fn without_a_history_no_plot_of_days_is_drawn() {
    let mut home = Home::new();
    serve_pages(&mut home).await;
    let locked = Locked::hold(&home).await;
    let daemon = home.boot().await;
    working(&daemon).await;
    let page = Ada::visits(&home, &daemon).opens("status").await.body;
    assert!(section(&page, "trends").contains("No table has been refreshed yet."), "{page}");
    assert!(section(&page, "mornings").contains("No morning is known yet."), "{page}");
    assert!(!page.contains("<svg"), "{page}");
    locked.release().await;
    finished(&daemon, 1).await;
}

#[tokio::test]
async fn the_timeline_of_a_run_shows_how_long_each_table_waited_computed_and_wrote() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let second = |seconds: i64| at("2026-03-10T08:00:00Z").timestamp_micros() + seconds * 1_000_000;
    let (began, ended) = (second(0), second(10));
    let job = |id: i64, table: &str, phase: &str, outcome: &str, lock: f64| {
        format!(
            "INSERT INTO jobs (id, run_id, table_name, ordinal, phase, outcome, seconds, lock_seconds) \
             VALUES ({id}, -1, '{table}', {id} + 9, '{phase}', {outcome}, 3, {lock})"
        )
    };
    let attempt = |job: i64, number: i64, from: i64, to: Option<i64>, seconds: i64| {
        let to = to.map_or_else(|| "NULL".to_owned(), |to| second(to).to_string());
        format!(
            "INSERT INTO attempts (job_id, number, started, ended, seconds) \
             VALUES ({job}, {number}, {}, {to}, {seconds})",
            second(from)
        )
    };
    let statements = [
        format!(
            "INSERT INTO runs (id, \"trigger\", priority, force, accept, exact, phase, queued, started, ended, seconds, outcome) \
             VALUES (-1, 'manual', 1, 0, 0, 0, 'done', {began}, {began}, {ended}, 10, 'failed')"
        ),
        job(-4, "organization_summary_cache", "done", "'rebuilt'", 1.0),
        job(-3, "dia_events_report_cache", "done", "'failed'", 0.0),
        job(-2, "recruitment_candidates_cache", "cancelled", "NULL", 0.0),
        attempt(-4, 1, 1, Some(5), 4),
        // The daemon died in the first attempt.
        attempt(-3, 1, 5, None, 0),
        attempt(-3, 2, 8, Some(10), 2),
    ];
    state(&home, &statements).await;
    let daemon = home.boot().await;
    let page = Ada::visits(&home, &daemon).opens("runs/-1").await.body;
    let shown = section(&page, "timeline");
    assert!(is_well_formed(&page), "{page}");
    for part in [
        "<title>Organizations, rebuilt: waited 1.00 s, computed 3.00 s, held VMS&#39;s write lock 1.00 s</title>",
        "<rect class=\"waiting\" x=\"0.0\" y=\"5\" height=\"2\" width=\"500.0\"/>",
        "<rect class=\"computing\" x=\"100.0\" y=\"2\" height=\"8\" width=\"400.0\"/>",
        "<rect class=\"writing\" x=\"400.0\" height=\"12\" width=\"100.0\"/>",
        "<title>DIA events, failed: waited 8.00 s, computed 2.00 s, held VMS&#39;s write lock 0.00 s in 2 attempts</title>",
        "<rect class=\"computing\" x=\"500.0\" y=\"2\" height=\"8\" width=\"3.0\"/>",
        "<rect class=\"computing\" x=\"800.0\" y=\"2\" height=\"8\" width=\"200.0\"/>",
        "<p><span>DIA events</span> <span class=\"state bad\">failed</span></p>",
        "<p><span>Recruitment candidates</span> <span class=\"state off\">cancelled</span></p>",
        "<span>0.00 s</span><span>5.00 s</span><span>10 s</span>",
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    assert_eq!(shown.matches("<svg").count(), 2, "{shown}");
}

#[tokio::test]
async fn a_run_in_progress_has_a_timeline_up_to_now_and_a_queued_one_has_none() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let locked = Locked::hold(&home).await;
    ada.submits("refresh", "cache_type=district&force=1").await;
    ada.submits("refresh", "cache_type=volunteer&force=1").await;
    let running = async {
        while !daemon.queue().run(2).await.unwrap().jobs.iter().any(|job| job.phase == Phase::Running) {
            tokio::task::yield_now().await;
        }
    };
    within("a table is worked on", running).await;
    home.clock.advance(std::time::Duration::from_secs(2));
    let page = ada.opens("runs/2").await.body;
    let shown = section(&page, "timeline");
    assert!(shown.contains("<title>District year-end, running: waited 0.00 s, computed 2.00 s"), "{shown}");
    assert!(shown.contains("<title>District engagement, queued: waited 2.00 s, computed 0.00 s"), "{shown}");
    assert_eq!(shown.matches("class=\"computing\"").count(), 1, "{shown}");
    let queued = ada.opens("runs/3").await.body;
    assert!(!queued.contains("id=\"timeline\""), "{queued}");
    locked.release().await;
    finished(&daemon, 3).await;
}
