//! A second daemon, with a state of its own, on the same database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Table, Trigger};
use chrono_tz::America::Chicago;

use super::world::{MINUTE, SECOND, World};
use crate::clock::Clock as _;
use crate::jobs::NewRun;
use crate::refresh::plan;
use crate::reports::recruitment::Keywords;
use crate::watch::wipes::{SecondRefresher, second_refreshers};

const TABLE: Table = Table::RecruitmentCandidatesCache;

/// Lets both daemons notice and work, in steps; returns the numbers of their watch's runs.
async fn together(both: &mut [World; 2], steps: u64, step: Duration) -> [usize; 2] {
    let mut runs = [0, 0];
    for _ in 0..steps {
        both[0].clock.advance(step);
        for (world, runs) in both.iter_mut().zip(&mut runs) {
            world.watcher.tick().await.unwrap();
            *runs += world.work().await.iter().filter(|run| run.trigger == Trigger::Watch).count();
        }
    }
    runs
}

/// Two daemons that have made their first check.
async fn both() -> [World; 2] {
    let first = World::settled().await;
    let second = first.beside().await;
    let mut both = [first, second];
    together(&mut both, 2 * MINUTE.as_secs(), SECOND).await;
    both
}

async fn force(world: &World) {
    let new = NewRun { force: true, ..NewRun::new(Trigger::Manual, plan::tables(&[], &[])) };
    world.queue.enqueue(new).await.unwrap();
    assert!(world.work().await.iter().all(|run| run.outcome.unwrap().is_good()));
}

async fn rewritten(world: &World) -> BTreeMap<Table, u64> {
    let found = second_refreshers(world.queue.state(), world.clock.now(), Chicago).await.unwrap();
    match found.as_slice() {
        [] => BTreeMap::new(),
        [SecondRefresher::Rewrites { tables, .. }] => tables.clone(),
        found => panic!("{found:?}"),
    }
}

#[tokio::test]
async fn a_forced_refresh_of_one_daemon_is_answered_by_no_run_of_the_other_and_named() {
    let mut both = both().await;
    force(&both[0]).await;
    let runs = together(&mut both, 10 * MINUTE.as_secs(), SECOND).await;
    assert_eq!(runs, [0, 0], "the payloads are the same");
    let rows = u64::try_from(both[0].rows(TABLE).await).unwrap();
    assert_eq!(rewritten(&both[1]).await.get(&TABLE), Some(&rows));

    both[0].clock.advance(Duration::from_hours(25));
    assert_eq!(rewritten(&both[1]).await, BTreeMap::new(), "a day after the last write it is over");
}

#[tokio::test]
async fn two_daemons_of_other_keywords_repair_each_others_rows_once_an_hour_at_the_most() {
    let mut both = both().await;
    let text = include_str!("../../../data/recruitment_keywords.toml");
    let others = Keywords::parse(&text.replacen("title_match = 0.6", "title_match = 0.7", 1)).unwrap();
    both[1].live.send_modify(|config| Arc::make_mut(config).settings.keywords = others);
    let candidates = "SELECT count(DISTINCT candidates_data) FROM recruitment_candidates_cache";
    assert!(both[0].number(candidates).await > 1, "there are candidates to disagree about");
    force(&both[1]).await;
    let hours = 3;
    let runs = together(&mut both, hours * 120, Duration::from_secs(30)).await;
    for runs in runs {
        assert!((1..=usize::try_from(hours).unwrap() + 1).contains(&runs), "{runs} runs in {hours} hours");
    }
    assert!(rewritten(&both[0]).await.contains_key(&TABLE));
}
