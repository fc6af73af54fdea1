//! The pages in a real browser, as an administrator uses them, on a desktop and on a phone.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod scene;

use cached_tests::wait;
use scene::Scene;

/// A script variable that a reload of the page loses.
const REMEMBER: &str = "window.rememberedByTest = true";
const REMEMBERS: &str = "return window.rememberedByTest === true";

/// Makes every write to a table fail, with an error text that a page must escape.
const BREAK: &str = "CREATE TRIGGER broken BEFORE INSERT ON dia_events_report_cache \
                     BEGIN SELECT RAISE(ABORT, '<b>out of order</b>'); END; DELETE FROM dia_events_report_cache";

#[test]
fn the_status_page_shows_the_verdict_of_cachectl_status() {
    let Some(scene) = Scene::set() else { return };
    scene.inspect("status", "status");
    let printed = scene.daemon.ctl(&["status"]).stdout;
    assert_eq!(scene.browser.text("#verdict h1"), printed.lines().next().unwrap());
    assert_eq!(scene.browser.text("header .who"), "Signed in as ada");
    scene.inspect("refresh", "refresh");
    scene.inspect("jobs", "jobs");
    scene.inspect("jobs/1", "job");
    scene.inspect("runs/1", "run");
}

#[test]
fn a_refresh_is_watched_from_the_first_table_to_the_last() {
    let Some(scene) = Scene::set() else { return };
    scene.vms.execute("BEGIN IMMEDIATE");
    scene.browser.open(&format!("{}/refresh", scene.address));
    scene.browser.click("input[name=force]");
    scene.browser.click("main form button");
    scene.browser.shows("#verdict h1", "Run 2 is running");
    scene.browser.run(REMEMBER);
    scene.picture("refreshing");
    scene.vms.execute("COMMIT");
    scene.browser.shows("#verdict h1", "Run 2 ended well");
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

/// More tabs than connections: browsers open at most six connections to a host.
const TABS: usize = 8;

#[test]
fn with_many_tabs_every_page_loads_and_the_visible_one_is_live() {
    let Some(scene) = Scene::set() else { return };
    let status = format!("{}/status", scene.address);
    scene.browser.open(&status);
    let first = scene.browser.tab();
    for _ in 1..TABS {
        scene.browser.open(&status);
        scene.browser.shows("#verdict h1", "next refresh");
        scene.browser.shows("#live", "as they happen");
        scene.browser.tab();
    }
    scene.browser.switch(&first);
    scene.browser.shows("#live", "as they happen");
    scene.browser.run(REMEMBER);
    scene.daemon.ctl(&["stop-scheduler"]);
    scene.browser.shows("#verdict h1", "the scheduler is stopped");
    assert_eq!(scene.browser.run(REMEMBERS), true, "the page was reloaded");
    scene.is_content();
}

#[test]
fn focus_and_selected_text_survive_updates_of_other_parts() {
    const SELECT: &str = "getSelection().selectAllChildren(document.querySelector('#verdict h1'))";
    let Some(scene) = Scene::set() else { return };
    scene.browser.open(&format!("{}/status", scene.address));
    scene.browser.shows("#live", "as they happen");
    // The part of the page that appears with a run is before the link.
    scene.browser.run("document.querySelector('#scheduler a.button').focus()");
    scene.vms.execute("BEGIN IMMEDIATE");
    scene.daemon.ctl(&["refresh", "district", "--force", "--no-wait"]);
    scene.browser.shows("#verdict h1", "in progress");
    assert_eq!(scene.browser.run("return document.activeElement.textContent"), "Refresh…");
    scene.browser.run(SELECT);
    scene.vms.execute("COMMIT");
    scene.browser.shows("#live", "no text is selected");
    assert!(scene.browser.text("#verdict h1").contains("in progress"));
    scene.browser.run("getSelection().removeAllRanges()");
    scene.browser.shows("#verdict h1", "next refresh");
    scene.is_content();
}

#[test]
fn a_held_back_loss_is_accepted_on_the_form() {
    let Some(scene) = Scene::set() else { return };
    scene.vms.execute("DELETE FROM event_participation WHERE id % 10 < 7");
    scene.daemon.ctl(&["refresh", "--force", "--no-wait"]);
    scene.browser.open(&format!("{}/status", scene.address));
    scene.browser.shows("#verdict .actions", "Decide about the loss");
    scene.daemon.idle();
    scene.inspect("status", "guarded");
    scene.inspect("runs/2", "guarded-run");
    scene.inspect("refresh#loss", "guarded-form");
    scene.browser.shows("#loss", "324 to 96");
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
    scene.inspect("status", "failure");
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
    scene.picture("resolved");
}
