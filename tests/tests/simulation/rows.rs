//! Checks of the cache rows, as another connection reads them after every step.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cached::refresh::{RefreshConfig, rehearsal_inputs};
use cached::reports::Context;
use cached::snapshot::{ReadDepth, read_existing};
use cached::vms::tables::{Key, StampZone, Table, spec};
use cached::vms::{Vms, time};
use chrono::{DateTime, TimeDelta, Utc};

/// Timestamps in VMS's zone go back by this much in one night of the year.
const FOLD: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    id: i64,
    stamp: Option<String>,
}

/// The first row of each key, which is the one that VMS reads.
pub(crate) type Rows = BTreeMap<(Table, Key), Row>;

/// The rows of the last check, and which of them another process has changed.
#[derive(Debug, Default)]
pub(crate) struct RowWatch {
    last: Rows,
    /// Groups that have changed since a run wrote them.
    touched: HashSet<(Table, String)>,
    /// Rows written while the clock was ahead, before it was set back: a run that has begun since may give
    /// them an earlier timestamp.
    ahead: HashSet<(Table, Key)>,
}

/// Reads all rows of the existing tables.
pub(crate) async fn read(vms: &Vms, tables: &[Table]) -> Rows {
    let mut rows = Rows::new();
    let view = vms.begin_read().await.unwrap();
    for &table in tables {
        for row in read_existing(&view, table, ReadDepth::Stamps).await.unwrap() {
            rows.entry((table, row.key)).or_insert(Row { id: row.id, stamp: row.last_updated });
        }
    }
    rows
}

impl RowWatch {
    /// Records rows after a write of another process.
    pub(crate) fn touch(&mut self, rows: Rows) {
        for (at, row) in &self.last {
            if rows.get(at) != Some(row) {
                self.touched.insert(group(at));
            }
        }
        for at in rows.keys().filter(|at| !self.last.contains_key(at)) {
            self.touched.insert(group(at));
        }
        self.last = rows;
    }

    /// Records that the clock was set back.
    pub(crate) fn set_back(&mut self, now: DateTime<Utc>) {
        let text = time::to_text(now.naive_utc());
        let ahead = self.last.iter().filter(|(_, row)| row.stamp.as_ref().is_some_and(|stamp| *stamp > text));
        self.ahead.extend(ahead.map(|(at, _)| at.clone()));
    }

    /// Checks the rows after the daemon has worked on some tables, in a run that regenerates every row or
    /// does not.
    pub(crate) async fn stepped(
        &mut self,
        tables: &[Table],
        rows: Rows,
        config: &RefreshConfig,
        now: DateTime<Utc>,
        whole: bool,
    ) -> Result<(), String> {
        let is_checked = |at: &(Table, Key)| tables.contains(&at.0);
        let gone: Vec<_> = self.last.keys().filter(|at| is_checked(at) && !rows.contains_key(at)).collect();
        if !gone.is_empty() {
            let expected = expected(config, now).await?;
            if let Some((table, key)) = gone.into_iter().find(|at| expected.contains(at)) {
                return Err(format!("2: {table} {key} is expected, was there, and the daemon removed it"));
            }
        }
        for (at, row) in &rows {
            let before = self.last.get(at).filter(|before| *before != row);
            if let Some(before) = before
                && !self.ahead.remove(at)
            {
                advances(at, before, row, config, now)?;
            }
        }
        if whole {
            self.are_whole(&rows)?;
        }
        self.last.retain(|at, _| !is_checked(at));
        self.last.extend(rows);
        Ok(())
    }

    /// Checks that the rows of a table have not changed since the last check.
    pub(crate) fn unchanged(&self, table: Table, rows: &Rows) -> Result<(), String> {
        let changed = rows.iter().find(|(at, row)| self.last.get(at) != Some(row));
        let gone = self.last.keys().find(|at| at.0 == table && !rows.contains_key(at));
        match changed.map(|(at, _)| at).or(gone) {
            Some((table, key)) => {
                Err(format!("6: {table} {key} was written from a source that is not accepted"))
            }
            None => Ok(()),
        }
    }

    /// Checks that rows of one group are written together: if one of them has a new timestamp of a run that
    /// regenerates all, all have.
    fn are_whole(&mut self, rows: &Rows) -> Result<(), String> {
        let mut groups: BTreeMap<(Table, String), (BTreeSet<&str>, bool)> = BTreeMap::new();
        for (at, row) in rows.iter().filter(|((table, _), _)| is_grouped(*table)) {
            let (stamps, written) = groups.entry(group(at)).or_default();
            stamps.extend(row.stamp.as_deref());
            *written |= self.last.get(at) != Some(row);
        }
        for (group, (stamps, written)) in groups {
            if stamps.len() == 1 {
                self.touched.remove(&group);
            } else if written && !self.touched.contains(&group) {
                let (table, name) = group;
                return Err(format!("3: {table} {name} is half old, half new: {stamps:?}"));
            }
        }
        Ok(())
    }
}

/// Returns the keys that reports have now.
async fn expected(config: &RefreshConfig, now: DateTime<Utc>) -> Result<HashSet<(Table, Key)>, String> {
    let scene =
        rehearsal_inputs(config, now).await.map_err(|error| format!("the keys are not known: {error}"))?;
    let keys = scene.reports.iter().flat_map(|(report, _)| {
        let keys = report.keys(Context::new(&scene.snapshot, &config.settings, now));
        keys.into_iter().map(|key| (report.table(), key))
    });
    Ok(keys.collect())
}

fn advances(
    at: &(Table, Key),
    before: &Row,
    after: &Row,
    config: &RefreshConfig,
    now: DateTime<Utc>,
) -> Result<(), String> {
    let (Some(old), Some(new)) = (&before.stamp, &after.stamp) else { return Ok(()) };
    let (Some(old), Some(new)) = (time::parse(old), time::parse(new)) else { return Ok(()) };
    let (table, key) = at;
    let (now, tolerated) = match spec(*table).stamps {
        StampZone::Utc | StampZone::UtcOrLocal => (now.naive_utc(), TimeDelta::zero()),
        StampZone::Local => (time::local(now, config.settings.zone), FOLD),
    };
    // A timestamp in the future was written before the clock was set back.
    if new + tolerated < old && old <= now {
        return Err(format!("9: last_updated of {table} {key} went back from {old} to {new}"));
    }
    Ok(())
}

/// Returns whether a table's groups have more than one row.
fn is_grouped(table: Table) -> bool {
    matches!(table, Table::DistrictYearEndReports | Table::DistrictEngagementReports)
}

fn group((table, key): &(Table, Key)) -> (Table, String) {
    (*table, key.text(0).unwrap_or_default().to_owned())
}
