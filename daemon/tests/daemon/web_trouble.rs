//! What failed, waits or was held back, as the pages show it, and what their buttons do about it.

use cached_proto::words::{Outcome, Phase, Table};

use crate::boot::{Home, execute, finished, within, working};
use crate::queue::Locked;
use crate::web_pages::{Ada, is_well_formed, serve_pages};

#[tokio::test]
async fn a_failed_table_is_shown_and_can_be_retried_from_its_page() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    home.set("retry", "attempts", "1");
    execute(
        &home,
        "CREATE TRIGGER broken BEFORE INSERT ON dia_events_report_cache BEGIN \
         SELECT RAISE(ABORT, '<img src=x> out of order'); END; DELETE FROM dia_events_report_cache",
    )
    .await;
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let (_, _) = ada.submits("refresh", "cache_type=recruitment&force=1").await;
    let run = finished(&daemon, 2).await;
    let job = run.jobs.iter().find(|job| job.outcome == Some(Outcome::Failed)).unwrap();
    for path in ["status", "runs/2", "jobs?filter=failed", &format!("jobs/{}", job.id)] {
        let page = ada.opens(path).await.body;
        assert!(page.contains("&#60;img src=x&#62; out of order"), "{path}: {page}");
        assert!(
            page.contains(&format!("action=\"/management/cache/jobs/{}/retry\"", job.id)),
            "{path}: {page}"
        );
        assert!(!page.contains("<img"), "{path}: {page}");
    }
    let page = ada.opens("runs/2").await.body;
    assert!(page.contains("<h1>Run 2 failed for 1 of 2 tables</h1>"), "{page}");
    execute(&home, "DROP TRIGGER broken").await;
    let (to, _) = ada.submits(&format!("jobs/{}/retry", job.id), "").await;
    assert_eq!(to, "runs/3?notice=retried");
    assert!(finished(&daemon, 3).await.outcome.unwrap().is_good());
}

#[tokio::test]
async fn tables_that_failed_for_one_reason_are_one_failure_until_resolved() {
    const NOW: &str = "value=\"all\">Refresh now</button>";
    const RETRY: &str = "action=\"/management/cache/runs/2/retry\"";
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    home.set("retry", "attempts", "1");
    home.set("watch", "enabled", "false");
    for table in ["dia_events_report_cache", "organization_summary_cache"] {
        let broken = format!(
            "CREATE TRIGGER broken_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'out of `order`'); END; \
             DELETE FROM {table}"
        );
        execute(&home, &broken).await;
    }
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    ada.submits("refresh", "cache_type=recruitment&cache_type=organization&force=1").await;
    finished(&daemon, 2).await;
    let page = ada.opens("status").await.body;
    assert_eq!(page.matches(RETRY).count(), 1, "{page}");
    // Reports of single organizations are off by default.
    let on = Table::ALL.len() - 1;
    assert!(page.contains(&format!("<title>2 of {on} tables are missing – ")), "{page}");
    assert!(page.contains("out of <code>order</code>") && page.contains("the same as DIA events"), "{page}");
    assert!(page.contains(NOW), "{page}");
    execute(
        &home,
        "DROP TRIGGER broken_dia_events_report_cache; DROP TRIGGER broken_organization_summary_cache",
    )
    .await;
    ada.submits("runs/2/retry", "").await;
    finished(&daemon, 3).await;
    let page = ada.opens("status").await.body;
    assert!(page.contains("has ended well since"), "{page}");
    assert!(!page.contains(RETRY) && !page.contains(NOW), "{page}");
}

#[tokio::test]
async fn during_the_first_run_the_page_says_that_tables_are_being_filled() {
    let mut home = Home::new();
    serve_pages(&mut home).await;
    let locked = Locked::hold(&home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    working(&daemon).await;
    let page = ada.opens("status").await.body;
    assert!(
        page.contains("<h1>The tables are being filled for the first time; run 1 is in progress</h1>"),
        "{page}"
    );
    assert!(page.contains("class=\"verdict busy\"") && page.contains("No run has ended yet."), "{page}");
    assert!(!page.contains("generates them now") && !page.contains("<svg"), "{page}");
    locked.release().await;
    finished(&daemon, 1).await;
    let page = ada.opens("status").await.body;
    assert!(page.contains("1 run, which ended well; it took"), "{page}");
    assert!(!page.contains("known for"), "{page}");
}

#[tokio::test]
async fn a_loss_is_shown_with_table_titles_and_accepted_on_the_form() {
    const DECIDE: &str = "href=\"/management/cache/refresh#loss\"";
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let calm = ada.opens("refresh").await.body;
    assert!(!calm.contains("name=\"accept\"") && !calm.contains("id=\"loss\""), "{calm}");
    execute(&home, "DELETE FROM event_participation WHERE id % 10 < 7").await;
    ada.submits("refresh", "cache_type=district&force=1").await;
    let run = finished(&daemon, 2).await;
    for path in ["status", "runs/2", "jobs", &format!("jobs/{}", run.jobs[0].id)] {
        let page = ada.opens(path).await.body;
        assert!(page.contains(DECIDE) && is_well_formed(&page), "{path}: {page}");
        assert!(!page.contains("/retry\""), "another try would be held back again: {path}: {page}");
    }
    let page = ada.opens("runs/2").await.body;
    assert_eq!(page.matches("324 to 96").count(), 1, "{page}");
    assert!(page.contains("held back 2 of 2"), "{page}");
    let page = ada.opens("status").await.body;
    let (_, verdict) = page.split_once("id=\"verdict\"").unwrap();
    let (verdict, _) = verdict.split_once("</section>").unwrap();
    assert!(
        verdict.contains("District year-end") && !verdict.contains("district_year_end_reports"),
        "{verdict}"
    );
    let form = ada.opens("refresh").await.body;
    assert!(form.contains("<strong>District year-end, District engagement:</strong>"), "{form}");
    ada.submits("refresh", "cache_type=district&force=1&accept=1").await;
    assert!(finished(&daemon, 3).await.outcome.unwrap().is_good());
    let page = ada.opens("status").await.body;
    assert!(page.contains("All earlier failures have been resolved.") && !page.contains(DECIDE), "{page}");
}

#[tokio::test]
async fn a_queued_run_can_be_cancelled_from_its_page() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let locked = Locked::hold(&home).await;
    ada.submits("refresh", "cache_type=district&force=1").await;
    ada.submits("refresh", "cache_type=volunteer&force=1").await;
    let (_, page) = ada.submits("runs/3/cancel", "").await;
    assert!(page.body.contains("<h1>Run 3 was cancelled</h1>"), "{}", page.body);
    locked.release().await;
    finished(&daemon, 2).await;
}

#[tokio::test]
async fn a_button_pressed_too_late_leads_back_with_a_notice() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    for (path, shown) in [
        ("jobs/1/cancel", "The job had ended already"),
        ("runs/1/cancel", "The run had ended already"),
        ("jobs/1/retry", "Nothing to retry"),
        ("runs/1/retry", "Nothing to retry"),
    ] {
        let (to, page) = ada.submits(path, "").await;
        assert!(to.starts_with(&path[..6]), "{path}: {to}");
        assert!(page.body.contains(shown), "{path}: {}", page.body);
    }
    // A link must not make a page show a false notice.
    for path in ["runs/1?notice=cancelled", "jobs/1?notice=cancelled"] {
        let page = ada.opens(path).await.body;
        assert!(!page.contains("is cancelled") && !page.contains("class=\"notice\""), "{path}: {page}");
    }
}

#[tokio::test]
async fn a_running_job_and_run_can_be_cancelled_from_their_pages() {
    let mut home = Home::lived_in().await;
    serve_pages(&mut home).await;
    let daemon = home.boot().await;
    let ada = Ada::visits(&home, &daemon);
    let locked = Locked::hold(&home).await;
    ada.submits("refresh", "cache_type=district&force=1").await;
    let running = async {
        loop {
            let run = daemon.queue().run(2).await.unwrap();
            if let Some(job) = run.jobs.iter().find(|job| job.phase == Phase::Running) {
                return job.id;
            }
            tokio::task::yield_now().await;
        }
    };
    let job = within("a job begins", running).await;
    let calm = ada.opens("runs/2?notice=cancelled").await.body;
    assert!(!calm.contains("class=\"notice\""), "{calm}");
    let (_, page) = ada.submits(&format!("jobs/{job}/cancel"), "").await;
    assert!(page.body.contains("The job is cancelled and stops soon."), "{}", page.body);
    let (_, page) = ada.submits("runs/2/cancel", "").await;
    assert!(page.body.contains("the table in progress stops soon"), "{}", page.body);
    locked.release().await;
    finished(&daemon, 2).await;
    let page = ada.opens("runs/2?notice=cancelled").await.body;
    assert!(page.contains("The run is cancelled."), "{page}");
}
