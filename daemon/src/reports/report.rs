//! The interface of a report: its sources, its keys, and the computation of its entries.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::entry::{Builder, Built, Section};
use super::settings::{Mode, ReportSettings};
use super::year::{Year, kept};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};

/// All that a report may depend on. A builder has no access to a database, a queue or a clock.
#[derive(Debug, Clone, Copy)]
pub struct Context<'s> {
    /// The source.
    pub snapshot: &'s Snapshot,
    /// The settings of the operator.
    pub settings: &'s ReportSettings,
    /// The instant as of which the report is computed.
    pub now: DateTime<Utc>,
}

impl<'s> Context<'s> {
    /// Creates the context of an instant.
    pub const fn new(snapshot: &'s Snapshot, settings: &'s ReportSettings, now: DateTime<Utc>) -> Self {
        Self { snapshot, settings, now }
    }

    /// Whether payloads reproduce VMS's bugs or fix them.
    pub const fn mode(self) -> Mode {
        self.settings.mode
    }

    /// The time zone of VMS's process.
    pub const fn zone(self) -> Tz {
        self.settings.zone
    }

    /// The date in UTC.
    pub fn today(self) -> NaiveDate {
        self.now.date_naive()
    }
}

/// A report: the tables it reads, its keys, and the computation of its entries. One whose rows belong to years
/// implements [`Yearly`] instead.
///
/// The effects of settings on a table are defined here; the way VMS uses the table is defined in its
/// [`TableSpec`](crate::vms::tables::TableSpec).
pub trait Report: Sync {
    /// Returns the cache table that the report fills.
    fn table(&self) -> Table;

    /// Returns the source tables that any method reads. Reading another one panics unless a report of the same
    /// run declares it, and a test builds every report from these alone.
    fn sources(&self) -> &'static [Source];

    /// Returns the source tables that [`Report::keys`], [`Report::next_keys`], [`Report::next_payloads`] and
    /// [`Report::withheld`] read, a small part of [`Report::sources`]: surveys read no others.
    fn key_sources(&self) -> &'static [Source];

    /// Returns the version of the report's rules. A change of what the report computes raises it: an entry of another
    /// version is computed again although nothing that it was computed from has changed.
    fn rules_version(&self) -> u32;

    /// Returns the setting that switches the table off, if it is off: then it has no key and no group.
    fn off(&self, _settings: &ReportSettings) -> Option<&'static str> {
        None
    }

    /// Returns the settings that payloads depend on besides those that every report depends on, as bytes:
    /// entries generated under others are stale.
    fn own_settings(&self, _settings: &ReportSettings) -> Vec<u8> {
        Vec::new()
    }

    /// Returns why the report must not be stored at all, or `None`: it would show data to people who may not see
    /// it. Depends only on [`Report::key_sources`].
    fn withheld(&self, _cx: Context<'_>) -> Option<String> {
        None
    }

    /// Returns the keys that the report has, in the order in which its rows are to be inserted. Depends only
    /// on [`Report::key_sources`] and the existing rows of its own table.
    fn keys(&self, cx: Context<'_>) -> Vec<Key>;

    /// Returns the parts that are built as a whole, in the order of their rows. Together they have the keys of
    /// [`Report::keys`]. May depend on all of [`Report::sources`].
    fn sections(&self, cx: Context<'_>) -> Vec<Section>;

    /// Returns when the passing of time alone next changes [`Report::keys`]; `None` if it never does. The
    /// result may be too early but never too late, and depends only on [`Report::key_sources`].
    fn next_keys(&self, _cx: Context<'_>) -> Option<DateTime<Utc>> {
        None
    }

    /// Returns when the passing of time alone next changes the payload of an entry that stays; `None` if it
    /// never does. Depends only on [`Report::key_sources`].
    fn next_payloads(&self, _cx: Context<'_>) -> Option<DateTime<Utc>> {
        None
    }

    /// Prepares the data that all [sections](Report::sections) share, from [`Report::sources`] and the existing rows
    /// of its own table, and returns the function that computes the groups of one section.
    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s>;

    /// Computes the groups of all sections.
    fn build<'s>(&self, cx: Context<'s>) -> Built<'s> {
        let build = self.builder(cx);
        Box::new((0..self.sections(cx).len()).flat_map(build))
    }
}

/// A report whose rows belong to years: the previous and the current one, and every year up to the next that
/// already has rows. Its methods have the meaning of those of [`Report`].
#[expect(missing_docs, reason = "see the methods of `Report` of the same names")]
pub trait Yearly: Sync {
    /// The years that the table has.
    type Year: Year;

    const TABLE: Table;
    const RULES_VERSION: u32;
    const SOURCES: &'static [Source];
    const KEY_SOURCES: &'static [Source] = &[];

    /// Whether the next year has rows as well, before any event of it.
    const WITH_NEXT: bool = false;

    fn off(&self, _settings: &ReportSettings) -> Option<&'static str> {
        None
    }

    fn own_settings(&self, _settings: &ReportSettings) -> Vec<u8> {
        Vec::new()
    }

    fn withheld(&self, _cx: Context<'_>) -> Option<String> {
        None
    }

    /// Returns the [clock](Section::clock) of every year.
    fn clock(&self, _cx: Context<'_>) -> String {
        String::new()
    }

    fn next_payloads(&self, _cx: Context<'_>) -> Option<DateTime<Utc>> {
        None
    }

    /// Returns the [keys to remove](Section::retired) of a year with these keys.
    fn retired(&self, _cx: Context<'_>, _year: Self::Year, _keys: &[Key]) -> Vec<Key> {
        Vec::new()
    }

    /// Returns the year that a row belongs to; `None` for rows that this report does not generate.
    fn year_of(&self, key: &Key) -> Option<Self::Year> {
        Self::Year::from_key(key.text(0)?)
    }

    /// Prepares the data that all years share, and returns the function that gives the keys of one year.
    fn keys(&self, cx: Context<'_>) -> impl FnMut(Self::Year) -> Vec<Key>;

    /// Prepares the data that all years share, and returns the function that computes the groups of one year.
    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(Self::Year) -> Built<'s> + 's;

    /// Returns the years that the table has, oldest first.
    fn years(&self, cx: Context<'_>) -> Vec<Self::Year> {
        if Yearly::off(self, cx.settings).is_some() {
            return Vec::new();
        }
        let owned = cx.snapshot.owned(Self::TABLE).filter_map(|key| self.year_of(key));
        kept(cx.now, cx.zone(), Self::WITH_NEXT, owned)
    }
}

impl<R: Yearly> Report for R {
    fn table(&self) -> Table {
        R::TABLE
    }

    fn rules_version(&self) -> u32 {
        R::RULES_VERSION
    }

    fn sources(&self) -> &'static [Source] {
        R::SOURCES
    }

    fn key_sources(&self) -> &'static [Source] {
        R::KEY_SOURCES
    }

    fn off(&self, settings: &ReportSettings) -> Option<&'static str> {
        Yearly::off(self, settings)
    }

    fn own_settings(&self, settings: &ReportSettings) -> Vec<u8> {
        Yearly::own_settings(self, settings)
    }

    fn withheld(&self, cx: Context<'_>) -> Option<String> {
        Yearly::withheld(self, cx)
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        self.years(cx).into_iter().flat_map(Yearly::keys(self, cx)).collect()
    }

    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        let (clock, mut keys_of) = (Yearly::clock(self, cx), Yearly::keys(self, cx));
        let section = |year| {
            let keys = keys_of(year);
            Section { retired: Yearly::retired(self, cx, year, &keys), clock: clock.clone(), keys }
        };
        self.years(cx).into_iter().map(section).collect()
    }

    fn next_keys(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        R::Year::next_switch(cx.now, cx.zone())
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        Yearly::next_payloads(self, cx)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        let (years, groups) = (self.years(cx), self.groups(cx));
        Box::new(move |position| match years.get(position) {
            Some(year) => groups(*year),
            None => Box::new(std::iter::empty()),
        })
    }
}
