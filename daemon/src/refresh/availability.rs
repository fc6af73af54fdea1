//! Whether a table can be refreshed at all.

use cached_proto::words::{Outcome, Table, TableState};

use crate::reports::{Report, ReportSettings, report};
use crate::snapshot::Source;
use crate::vms::Schema;
use crate::vms::tables::{Habit, spec};

/// Whether a table can be refreshed, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It can be refreshed.
    Ready,
    /// This VMS has no such table, and needs none.
    NotApplicable,
    /// This setting switches it off.
    Off(&'static str),
    /// VMS's schema lacks these tables or columns.
    Disabled(Vec<String>),
}

/// Whether the configuration switches a table off, whatever VMS's schema is.
pub(super) fn is_off(table: Table, settings: &ReportSettings) -> bool {
    report(table).is_some_and(|report| report.off(settings).is_some())
}

/// Determines the availability of a report's table from the configuration and VMS's schema.
pub fn availability(report: &dyn Report, schema: &Schema, settings: &ReportSettings) -> Availability {
    let table = report.table();
    if let Some(setting) = report.off(settings) {
        return Availability::Off(setting);
    }
    if spec(table).has(Habit::Drops) && !schema.has_table(table.as_str()) {
        return Availability::NotApplicable;
    }
    let mut missing = schema.missing(table.as_str(), spec(table).columns());
    for source in report.sources() {
        missing.extend(missing_of(*source, schema));
    }
    if missing.is_empty() { Availability::Ready } else { Availability::Disabled(missing) }
}

fn missing_of(source: Source, schema: &Schema) -> Vec<String> {
    schema.missing(source.table(), source.columns().iter().map(|column| column.name))
}

impl Availability {
    /// The outcome of a job on such a table; `None` when the table has to be refreshed.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some(Outcome::NotApplicable),
            Self::Off(_) => Some(Outcome::Off),
            Self::Disabled(_) => Some(Outcome::Disabled),
        }
    }

    /// The state in which the table is shown; `None` when its entries determine it.
    pub fn table_state(&self) -> Option<TableState> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some(TableState::NotApplicable),
            Self::Off(_) => Some(TableState::Off),
            Self::Disabled(_) => Some(TableState::Disabled),
        }
    }

    /// The reason, in one line; `None` when it can be refreshed.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some("this VMS has no such table".to_owned()),
            Self::Off(setting) => Some((*setting).to_owned()),
            Self::Disabled(missing) => {
                Some(format!("VMS's schema has changed: {} is not there", missing.join(", ")))
            }
        }
    }
}
