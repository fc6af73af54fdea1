//! Tests of the recruitment reports through their public interface.

mod candidates;
mod dia;
mod people;
mod targets;
mod turns;

use serde_json::Value;

use super::Candidates;
use super::testing::{World, event};

const SOON: &str = "2026-03-20 09:00:00.000000";

/// Returns a world with a career fair, id 1, whose keywords are those of its type, its format, the length of
/// its title and its subject.
fn fair() -> World {
    let mut fair = event(1, Some("CAREER_FAIR"), SOON);
    fair.title = Some("Spring Fair".into());
    World::default().event(fair)
}

fn candidates(world: &World) -> Vec<Value> {
    let (_, payloads) = world.build(&Candidates).swap_remove(0);
    payloads[0].as_array().unwrap().clone()
}

fn ids(world: &World) -> Vec<i64> {
    candidates(world).iter().map(|candidate| candidate["id"].as_i64().unwrap()).collect()
}
