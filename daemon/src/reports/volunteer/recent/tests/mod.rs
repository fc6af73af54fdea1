//! Tests of the recent volunteers report.

mod base;
mod rows;
mod typed;

use serde_json::Value;

use super::super::testing::{World, year_key};
use super::Recent;
use crate::reports::Mode;
use crate::vms::tables::Key;

fn payload(world: &World, mode: Mode, key: &Key) -> Value {
    world.payloads(&Recent, mode).remove(&key.to_string()).unwrap()
}

/// Returns the base row of the year 2526.
fn base(world: &World) -> Value {
    payload(world, Mode::Exact, &year_key("2526", "ALL"))
}

/// Returns the volunteers active at career fairs in the year 2526, in fixed mode.
fn career_fairs(world: &World) -> Value {
    payload(world, Mode::Fixed, &year_key("2526", "career_fair"))["active_volunteers"].take()
}

fn column(list: &Value, key: &str) -> Value {
    list.as_array().unwrap().iter().map(|entry| entry[key].clone()).collect()
}
