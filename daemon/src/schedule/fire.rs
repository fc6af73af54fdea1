//! Resolves a civil date-time to the instant at which it fires.

use std::fmt;

use cached_proto::verb::next;
use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// One fire of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The civil date-time of the fire.
    pub slot: NaiveDateTime,
    /// The instant of the fire.
    pub at: DateTime<Utc>,
    /// The zone's UTC offset at that instant.
    pub offset: FixedOffset,
    /// Why the instant differs from the slot or the slot is ambiguous; none on ordinary nights.
    pub note: Option<FireNote>,
}

/// The kind of clock change that affects a fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireNote {
    /// The clock skips the slot when it goes forward: the fire follows right after the gap.
    Gap,
    /// The clock shows the slot twice when it goes back: the fire is at the first occurrence.
    Fold,
}

impl fmt::Display for FireNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gap => "the clock goes forward over this time: fires at the first instant after",
            Self::Fold => "the clock goes back and shows this time twice: fires the first time",
        })
    }
}

impl From<&Fire> for next::Fire {
    fn from(fire: &Fire) -> Self {
        Self {
            slot: slot_text(fire.slot),
            at: fire.at.into(),
            offset: fire.offset.to_string(),
            note: fire.note.map(|note| note.to_string()),
        }
    }
}

/// Formats a slot for storage and display; slots of a schedule are at least a minute apart.
pub fn slot_text(slot: NaiveDateTime) -> String {
    slot.format("%Y-%m-%d %H:%M").to_string()
}

pub(super) fn resolve(slot: NaiveDateTime, zone: Tz) -> Fire {
    let (at, note) = match zone.from_local_datetime(&slot) {
        MappedLocalTime::Single(at) => (at.to_utc(), None),
        MappedLocalTime::Ambiguous(one, other) => (one.min(other).to_utc(), Some(FireNote::Fold)),
        MappedLocalTime::None => (end_of_gap(slot, zone), Some(FireNote::Gap)),
    };
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    Fire { slot, at, offset, note }
}

/// The first instant at which the wall clock is past `slot`, which it never shows.
fn end_of_gap(slot: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // No zone is further from UTC than this.
    let margin = TimeDelta::hours(16);
    let (mut before, mut past) = (slot.and_utc() - margin, slot.and_utc() + margin);
    while past - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((past - before).num_seconds() / 2);
        if zone.from_utc_datetime(&middle.naive_utc()).naive_local() < slot {
            before = middle;
        } else {
            past = middle;
        }
    }
    past
}
