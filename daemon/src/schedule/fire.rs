//! Resolves a civil date-time to the instant at which it fires.

use cached_proto::verb::next;
use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::civil::{ClockChange, first_instant};

/// One fire of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The civil date-time of the fire.
    pub slot: NaiveDateTime,
    /// The instant of the fire.
    pub at: DateTime<Utc>,
    /// The zone's UTC offset at that instant.
    pub offset: FixedOffset,
    /// The clock change that the slot falls into; none on ordinary nights.
    pub note: Option<ClockChange>,
}

impl Fire {
    /// What a clock change does to this fire, in words; none on ordinary nights.
    pub fn note_text(&self) -> Option<String> {
        let text = match self.note? {
            ClockChange::Gap => "the clock goes forward over this time: fires at the first instant after",
            ClockChange::Fold => "the clock goes back and shows this time twice: fires the first time",
        };
        Some(text.to_owned())
    }
}

impl From<&Fire> for next::Fire {
    fn from(fire: &Fire) -> Self {
        Self {
            slot: slot_text(fire.slot),
            at: fire.at.into(),
            offset: fire.offset.to_string(),
            note: fire.note_text(),
        }
    }
}

/// Formats a slot for storage and display; slots of a schedule are at least a minute apart.
pub fn slot_text(slot: NaiveDateTime) -> String {
    slot.format("%Y-%m-%d %H:%M").to_string()
}

pub(super) fn resolve(slot: NaiveDateTime, zone: Tz) -> Fire {
    let (at, note) = first_instant(slot, zone);
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    Fire { slot, at, offset, note }
}
