//! Distribution of event types over the school days.

use super::calendar::{Calendar, at_quarter};
use super::lists::{Lists, Place, Program};
use super::random::Random;
use chrono::{NaiveDate, NaiveDateTime};

/// Percentage of events that lie in the future.
const UPCOMING_PERCENT: u32 = 14;

/// One event before it has a row.
pub(super) struct Slot<'a> {
    pub(super) start: NaiveDateTime,
    pub(super) upcoming: bool,
    pub(super) program: &'a Program,
}

/// Returns `count` slots by ascending start.
pub(super) fn slots<'a>(seed: u64, count: usize, lists: &'a Lists, calendar: &Calendar) -> Vec<Slot<'a>> {
    let mut random = Random::stream(seed, "schedule");
    let weights: Vec<(u32, &Program)> =
        lists.programs.iter().map(|program| (program.weight, program)).collect();
    let mut slots: Vec<Slot<'a>> = (0..count)
        .map(|_| {
            let upcoming = random.percent(UPCOMING_PERCENT);
            let day = *random.pick(if upcoming { &calendar.upcoming } else { &calendar.past });
            let program = random.weighted(&weights);
            Slot { start: start(day, program, &mut random), upcoming, program }
        })
        .collect();
    slots.sort_by_key(|slot| slot.start);
    ensure_upcoming_dia(&mut slots, lists);
    slots
}

/// Ensures that there is an upcoming DIA event: the DIA report shows only those, and could be empty by chance
/// in a small sample.
fn ensure_upcoming_dia<'a>(slots: &mut [Slot<'a>], lists: &'a Lists) {
    let dia: Vec<&Program> =
        lists.programs.iter().filter(|program| program.name.starts_with("DIA")).collect();
    let programs = dia.iter().cycle();
    for (slot, program) in slots.iter_mut().filter(|slot| slot.upcoming).step_by(5).zip(programs) {
        *slot = Slot { start: slot.start, upcoming: true, program };
    }
}

fn start(day: NaiveDate, program: &Program, random: &mut Random) -> NaiveDateTime {
    let quarter = match program.place {
        Place::Evening => random.between(70, 74),
        Place::Office => *random.pick(&[32, 34, 36, 64, 66]),
        Place::Workplace | Place::Campus => random.between(34, 40),
        Place::Online => random.between(33, 57),
        // Imports from Salesforce keep the day only.
        Place::School if random.percent(6) => 0,
        Place::School => random.between(32, 54),
    };
    at_quarter(day, quarter)
}
