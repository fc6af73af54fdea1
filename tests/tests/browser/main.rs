//! The pages in a real browser: what an administrator sees and does, on a desk and on a phone.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod scene;

use cached_tests::wait;
use scene::Scene;

/// Somebody who reloads a page forgets this.
const REMEMBER: &str = "window.rememberedByTest = true";
const REMEMBERS: &str = "return window.rememberedByTest === true";

/// Makes every write to a table fail, with words that a page must not take for its own.
const BREAK: &str = "CREATE TRIGGER broken BEFORE INSERT ON dia_events_report_cache \
                     BEGIN SELECT RAISE(ABORT, '<b>out of order</b>'); END; DELETE FROM dia_events_report_cache";

#[test]
fn the_status_page_says_what_cachectl_says() {
    let Some(scene) = Scene::set() else { return };
    scene.look("status", "status");
    let told = scene.daemon.ctl(&["status"]).stdout;
    assert_eq!(scene.browser.text("#verdict h1"), told.lines().next().unwrap());
    assert_eq!(scene.browser.text("header .who"), "Signed in as ada");
    scene.look("refresh", "refresh");
    scene.look("jobs", "jobs");
    scene.look("jobs/1", "job");
    scene.look("runs/1", "run");
}

#[test]
fn a_refresh_is_watched_from_the_first_table_to_the_last() {
    let Some(scene) = Scene::set() else { return };
    scene.vms.execute("BEGIN IMMEDIATE");
    scene.browser.open(&format!("{}/refresh", scene.address));
    scene.browser.click("input[name=force]");
    scene.browser.click("main form button");
    scene.browser.shows("#verdict h1", "Refresh 2 is running");
    scene.browser.run(REMEMBER);
    scene.picture("refreshing");
    scene.vms.execute("COMMIT");
    scene.browser.shows("#verdict h1", "Refresh 2 ended well");
    assert_eq!(scene.browser.run(REMEMBERS), true, "the page was reloaded");
    scene.browser.shows("#live", "as they happen");
    scene.is_content();
}

#[test]
fn the_scheduler_is_stopped_and_started() {
    let Some(scene) = Scene::set() else { return };
    scene.browser.open(&format!("{}/status", scene.address));
    scene.browser.click("#scheduler button");
    scene.browser.shows("#verdict h1", "the scheduler is stopped");
    assert_eq!(scene.daemon.json(&["status"])["scheduler"], "stopped");
    scene.browser.click("#scheduler button");
    scene.browser.shows("#verdict h1", "next refresh");
    assert_eq!(scene.daemon.json(&["status"])["scheduler"], "running");
    scene.is_content();
}

#[test]
fn a_failure_appears_as_text_and_can_be_retried() {
    let Some(scene) = Scene::set() else { return };
    scene.browser.open(&format!("{}/status", scene.address));
    scene.browser.run(REMEMBER);
    scene.vms.execute(BREAK);
    scene.daemon.ctl(&["refresh", "--table", "dia_events_report_cache", "--force", "--no-wait"]);
    scene.browser.shows("#tables", "<b>out of order</b>");
    assert_eq!(scene.browser.run(REMEMBERS), true, "the page was reloaded");
    scene.look("status", "failure");
    scene.browser.open(&format!("{}/runs/2", scene.address));
    scene.vms.execute("DROP TRIGGER broken");
    scene.browser.click("form[action$='/retry'] button");
    wait::until("the table is whole again", || {
        let status = scene.daemon.json(&["status"]);
        let tables = status["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["table"] == "dia_events_report_cache").unwrap();
        (table["state"] == "fresh").then_some(())
    });
    scene.browser.shows("#verdict h1", "ended well");
    scene.picture("mended");
}
