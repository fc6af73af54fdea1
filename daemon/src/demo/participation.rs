//! Participations of volunteers at events, and the totals in the volunteers' rows.

use super::calendar;
use super::events::Event;
use super::random::Random;
use super::row;
use super::salesforce::{self, Kind};
use super::world::{World, next_id};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeSet;

const HELD: &[(u32, &str)] =
    &[(78, "Attended"), (6, "Completed"), (5, "Successfully Completed"), (6, "No Show"), (5, "Cancelled")];
const CALLED_OFF: &[(u32, &str)] =
    &[(6, "Cancelled"), (2, "School Closure"), (1, "Emergency Cancellation"), (1, "Did Not Attend")];
const CALLED_OFF_IN_WINTER: &[(u32, &str)] =
    &[(3, "Cancelled"), (4, "Volunteer canceling due to snow"), (4, "Weather Cancellation")];
const MISSED: &[(u32, &str)] = &[(3, "No Show"), (2, "Did Not Attend"), (2, "Teacher No-Show")];
const AHEAD: &[(u32, &str)] = &[(5, "Registered"), (3, "Confirmed"), (4, "Scheduled"), (1, "Cancelled")];

/// Volunteers to choose from, with their participations so far.
pub(super) struct Crowd {
    /// Date on which each became a volunteer, ascending; the index is that of the row.
    joined: Vec<NaiveDate>,
    /// Indexes of frequent volunteers, ascending.
    regulars: Vec<usize>,
    service: Vec<Service>,
    random: Random,
}

#[derive(Clone, Default)]
struct Service {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
    times: u32,
}

impl Crowd {
    pub(super) fn new(seed: u64, joined: Vec<NaiveDate>) -> Self {
        let service = vec![Service::default(); joined.len()];
        let regulars = (0..joined.len()).step_by(7).collect();
        Self { joined, regulars, service, random: Random::stream(seed, "participation") }
    }

    /// Adds the volunteers of an event.
    pub(super) fn attend(&mut self, event: &Event<'_>, world: &mut World) {
        let [fewest, most] = event.program.volunteers;
        let wanted = self.random.between(fewest, most);
        // Every second upcoming event has no volunteers yet, because the DIA report distinguishes the two
        // cases; DIA events are an odd number of events apart.
        let empty = event.upcoming && event.id.is_multiple_of(2);
        let volunteers = if empty { BTreeSet::new() } else { self.choose(event.start.date(), wanted) };
        for volunteer in volunteers {
            let id = world.volunteers[volunteer].id;
            if event.online() {
                world.presenters.push(row::Presenter { event_id: event.id, volunteer_id: id });
            }
            // Sessions imported from the online platform name their presenters, but have no hours.
            if event.online() && self.random.percent(45) {
                if event.held() {
                    self.record(volunteer, event.start.date());
                }
                continue;
            }
            self.participate(volunteer, id, event, world);
        }
    }

    fn participate(&mut self, volunteer: usize, id: u32, event: &Event<'_>, world: &mut World) {
        let winter = matches!(event.start.month(), 12 | 1 | 2);
        let status = match event.status {
            "SIMULCAST" => "Simulcast",
            _ if event.held() => self.random.weighted(HELD),
            "CANCELLED" if winter => self.random.weighted(CALLED_OFF_IN_WINTER),
            "CANCELLED" => self.random.weighted(CALLED_OFF),
            "NO_SHOW" => self.random.weighted(MISSED),
            _ => self.random.weighted(AHEAD),
        };
        let came = matches!(status, "Attended" | "Completed" | "Successfully Completed" | "Simulcast");
        let hours = (came && !event.program.hours.is_empty() && self.random.percent(95))
            .then(|| *self.random.pick(&event.program.hours));
        if came {
            self.record(volunteer, event.start.date());
        }
        let number = next_id(&world.participations);
        world.participations.push(row::Participation {
            id: number,
            volunteer_id: id,
            event_id: event.id,
            status,
            delivery_hours: hours,
            salesforce_id: salesforce::id(Kind::Participation, number),
            participant_type: if event.online() { "Presenter" } else { "Volunteer" },
        });
    }

    /// Chooses distinct volunteers who had joined by then; a frequent one in three cases of ten.
    fn choose(&mut self, on: NaiveDate, wanted: u32) -> BTreeSet<usize> {
        let eligible = self.joined.partition_point(|since| *since <= on);
        let regulars = self.regulars.partition_point(|place| *place < eligible);
        let mut chosen = BTreeSet::new();
        // There are more attempts than people: a small sample may not have as many as are wanted.
        for _ in 0..wanted.saturating_mul(4) {
            if eligible == 0 || chosen.len() == wanted as usize {
                break;
            }
            chosen.insert(if self.random.percent(30) && regulars > 0 {
                self.regulars[self.random.index(regulars)]
            } else {
                self.random.index(eligible)
            });
        }
        chosen
    }

    fn record(&mut self, volunteer: usize, day: NaiveDate) {
        let service = &mut self.service[volunteer];
        service.first = Some(service.first.map_or(day, |first| first.min(day)));
        service.last = Some(service.last.map_or(day, |last| last.max(day)));
        service.times += 1;
    }

    /// Writes the recorded participations into the volunteers' rows.
    pub(super) fn finish(mut self, begin: NaiveDate, world: &mut World) {
        for place in 0..self.joined.len() {
            let joined = self.joined[place];
            let service = &mut self.service[place];
            if joined < begin {
                // Participations before the sample begins have no rows, but are part of the totals.
                service.first = Some(joined);
                service.last = service.last.or(Some(joined));
                service.times += self.random.between(1, 9);
            } else if service.times == 0 && self.random.percent(8) {
                // Recorded by hand, without an event.
                service.first = Some(joined);
                service.last = Some(joined);
                service.times = 1;
            }
            let row = &mut world.volunteers[place];
            row.first_volunteer_date = service.first.map(calendar::date);
            row.last_volunteer_date = service.last.map(calendar::date);
            row.last_activity_date = service.last.or(Some(joined)).map(calendar::date);
            row.times_volunteered = service.times;
        }
    }
}
