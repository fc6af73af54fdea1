//! `prune`: removes cache entries that no reader uses any more, a few at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cached_present::count;
use cached_proto::verb::maintenance::MaintenanceItem;
use cached_proto::words::{SchedulerState, Table};
use chrono::{DateTime, TimeDelta, Utc};

use super::error::MaintenanceError;
use super::task::{Done, Task};
use crate::refresh::{Availability, RefreshError, forgotten, off_thread, read_tables, row_counts, suspicion};
use crate::reports::{Context, REPORTS};
use crate::snapshot::{ExistingRow, KeyIndex, ReadDepth, read_existing};
use crate::store::{Existing, Freshness, SerializedGroup, Stamps, StoreError, write_group};
use crate::vms::tables::{Key, TableSpec, spec};
use crate::vms::{LockMeter, Vms};

/// Limits of one transaction, so that it hardly delays VMS's workers.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: u64 = 4 << 20;

/// Readers with an age limit use one day, and refreshes are more frequent than that.
const YOUNGEST: TimeDelta = TimeDelta::days(1);

/// Prunes table by table; with `dry_run`, everything except the removal.
pub(super) async fn prune(
    task: &Task<'_>,
    older_than_seconds: Option<u64>,
    dry_run: bool,
) -> Result<Done, MaintenanceError> {
    let now = task.clock.now();
    let oldest_kept = oldest_kept(task, older_than_seconds, now)?;
    task.steps.publish("reading the present entries", 0, REPORTS.len() + 1);
    let (availabilities, snapshot) = read_tables(task.config, ReadDepth::Shape, now).await?;
    if let Some(reason) = suspicion(task.config.guard, task.state, &row_counts(&snapshot)).await? {
        return Err(MaintenanceError::Suspicious(reason));
    }
    let (snapshot, settings) = (Arc::new(snapshot), Arc::new(task.config.settings.clone()));
    let held = task.state.guarded().await?;
    let pruning = task.config.vms.using(async |vms| {
        let schema = vms.schema().await?;
        // While the scheduler is running, removed rows are restored within minutes.
        let is_stopped = task.state.scheduler_state().await? == SchedulerState::Stopped;
        let mut done = Done::default();
        for (at, report) in REPORTS.iter().enumerate() {
            let table = report.table();
            task.steps.publish(table.as_str(), at + 1, REPORTS.len() + 1);
            if held.contains_key(&table) {
                done.notes.push(format!("{table} is held back by the guard and was skipped"));
                continue;
            }
            let removed = match availabilities.get(&table) {
                Some(Availability::Ready) => {
                    let (read, settings) = (Arc::clone(&snapshot), Arc::clone(&settings));
                    let expected =
                        off_thread(move || report.keys(Context::new(&read, &settings, now))).await?;
                    let rows = snapshot.existing(table);
                    let one = OneTable { task, vms, table, now, oldest_kept, dry_run };
                    let removed = one.prune(&expected, rows).await?;
                    if is_stopped {
                        done.notes.extend(one.forget(&expected, rows).await?);
                    }
                    removed
                }
                // A table that is switched off has no entries, and leftover rows would obstruct VMS.
                Some(Availability::Off(_)) if schema.has_table(table.as_str()) => {
                    let rows = read_existing(&vms.begin_read().await?, table, ReadDepth::Shape).await?;
                    OneTable { task, vms, table, now, oldest_kept, dry_run }.prune(&[], &rows).await?
                }
                _ => continue,
            };
            done.items.push(removed);
        }
        Ok(done)
    });
    pruning.await
}

fn oldest_kept(
    task: &Task<'_>,
    seconds: Option<u64>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, MaintenanceError> {
    let age = match seconds {
        Some(seconds) => {
            i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
        }
        None => TimeDelta::try_days(task.config.settings.recent_window_keep_days).unwrap_or(TimeDelta::MAX),
    };
    if age < YOUNGEST {
        return Err(MaintenanceError::TooYoung);
    }
    Ok(now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC))
}

struct OneTable<'a> {
    task: &'a Task<'a>,
    vms: &'a Vms,
    table: Table,
    now: DateTime<Utc>,
    oldest_kept: DateTime<Utc>,
    dry_run: bool,
}

impl OneTable<'_> {
    async fn prune(
        &self,
        expected: &[Key],
        rows: &[ExistingRow],
    ) -> Result<MaintenanceItem, MaintenanceError> {
        let (config, began) = (self.task.config, self.task.clock.monotonic());
        // The age of a row does not depend on the daemon's own stamps.
        let stamps = Stamps::default();
        let freshness = config.freshness(self.table, self.now, &stamps);
        let unread = unread(expected, rows, &freshness, self.oldest_kept);
        let mut item = MaintenanceItem { name: self.table.to_string(), ..MaintenanceItem::default() };
        for batch in batches(&unread) {
            item.rows +=
                if self.dry_run { batch.len() as u64 } else { self.remove(expected, rows, &batch).await? };
            item.bytes += batch.iter().map(|row| row.bytes).sum::<u64>();
        }
        item.seconds = self.task.clock.monotonic().saturating_sub(began).as_secs_f64();
        Ok(item)
    }

    /// Forgets entries whose rows were deleted and that would be restored only because the daemon has recorded
    /// them: years, names and events that are no longer wanted. Returns a note about them.
    async fn forget(
        &self,
        expected: &[Key],
        rows: &[ExistingRow],
    ) -> Result<Option<String>, MaintenanceError> {
        let stamps = Stamps(self.task.state.stamps().load(self.table).await?);
        let gone = forgotten(&stamps, expected, rows);
        if gone.is_empty() {
            return Ok(None);
        }
        if !self.dry_run {
            self.task.state.stamps().record(self.table, Vec::new(), &gone).await?;
        }
        let entries = count(gone.len(), "entry");
        let are = if self.dry_run { "would be" } else { "will be" };
        Ok(Some(format!("{}: {entries} whose rows were deleted {are} left out from now on", self.table)))
    }

    /// Removes the rows of `batch` that have not changed since they were read, in one short transaction.
    async fn remove(
        &self,
        expected: &[Key],
        rows: &[ExistingRow],
        batch: &[ExistingRow],
    ) -> Result<u64, MaintenanceError> {
        if self.task.interrupt.is_stopped() {
            return Err(MaintenanceError::Stopped);
        }
        let mut retire: Vec<Key> = batch.iter().map(|row| row.key.clone()).collect();
        retire.sort_unstable();
        retire.dedup();
        let group = SerializedGroup { entries: Vec::new(), retire: retire.clone() };
        let mut meter = LockMeter::new(self.task.clock.as_ref());
        let existing = Existing { rows: batch, index: &KeyIndex::of(batch) };
        let written =
            write_group(self.vms, spec(self.table), group, existing, |_| false, "", &mut meter).await;
        self.task.state.count_holds(&meter.holds()).await?;
        let outcome = written.map_err(|error: StoreError| RefreshError::from(error))?;
        // A key that still has another row stays known.
        let going = |id: i64| batch.iter().any(|row| row.id == id);
        let stays =
            |key: &Key| expected.contains(key) || rows.iter().any(|row| row.key == *key && !going(row.id));
        let gone: Vec<String> = retire.iter().filter(|key| !stays(key)).map(ToString::to_string).collect();
        self.task.state.stamps().record(self.table, Vec::new(), &gone).await?;
        Ok(outcome.pruned)
    }
}

fn batches(rows: &[&ExistingRow]) -> Vec<Vec<ExistingRow>> {
    let mut batches: Vec<(u64, Vec<ExistingRow>)> = Vec::new();
    for row in rows {
        match batches.last_mut() {
            Some((bytes, batch)) if batch.len() < BATCH_ROWS && *bytes + row.bytes <= BATCH_BYTES => {
                *bytes += row.bytes;
                batch.push((*row).clone());
            }
            _ => batches.push((row.bytes, vec![(*row).clone()])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Returns rows that were generated before `oldest_kept`, that no refresh would generate again, and that no reader of
/// VMS's accepts.
///
/// A row is returned only if all of this holds, and if its age is known: expected entries are stamped every
/// night, so even when the source has lost its rows, their entries are kept until the age has passed. Of
/// several rows with the same key, readers take the first, so the others are unread.
fn unread<'r>(
    expected: &[Key],
    rows: &'r [ExistingRow],
    freshness: &Freshness<'_>,
    oldest_kept: DateTime<Utc>,
) -> Vec<&'r ExistingRow> {
    let expected: HashSet<&Key> = expected.iter().collect();
    let mut first: HashMap<&Key, i64> = HashMap::with_capacity(rows.len());
    for row in rows {
        let lowest = first.entry(&row.key).or_insert(row.id);
        *lowest = (*lowest).min(row.id);
    }
    rows.iter()
        .filter(|row| {
            let behind = first.get(&row.key).is_some_and(|lowest| *lowest != row.id);
            let Some(generated) = freshness.generated(row) else { return false };
            let unwanted =
                !expected.contains(&row.key) && !is_read(freshness.spec, &row.key, generated, freshness.now);
            generated < oldest_kept && (behind || unwanted)
        })
        .collect()
}

/// Whether a page of VMS's may still show a row that no refresh generates.
fn is_read(spec: &TableSpec, key: &Key, generated: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    match spec.reader_limit_hours {
        // From that age on, the reader computes its data itself.
        Some(hours) => now - generated < TimeDelta::hours(hours.into()),
        // VMS shows its own rows whatever their age. The others belong to districts, organizations and events
        // that no longer exist or are past, and to invalid years.
        None => key.is_left_to_vms(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AgeLimits;
    use crate::vms::tables::KeyValue;

    const NOW: &str = "2026-03-15T12:00:00Z";

    fn row(id: i64, key: &[&str], last_updated: &str) -> ExistingRow {
        let key = Key(key
            .iter()
            .map(|part| if part.is_empty() { KeyValue::Null } else { (*part).into() })
            .collect());
        ExistingRow { last_updated: Some(last_updated.into()), bytes: 1, ..ExistingRow::of(id, key) }
    }

    fn ids(table: Table, expected: &[&[&str]], rows: &[ExistingRow]) -> Vec<i64> {
        let stamps = Stamps::default();
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let freshness = Freshness {
            spec: spec(table),
            limits: AgeLimits {
                max_age: TimeDelta::hours(24),
                refresh_after: TimeDelta::hours(20),
                tolerance: TimeDelta::minutes(15),
            },
            zone: chrono_tz::UTC,
            now,
            stamps: &stamps,
            fingerprint: String::new(),
        };
        let expected: Vec<Key> = expected.iter().map(|key| row(0, key, "").key).collect();
        unread(&expected, rows, &freshness, now - TimeDelta::days(7)).iter().map(|row| row.id).collect()
    }

    #[test]
    fn batches_are_bounded_in_rows_and_bytes() {
        let row = |bytes| ExistingRow { bytes, ..ExistingRow::of(1, Key(vec![])) };
        let sizes = |rows: &[ExistingRow]| {
            batches(&rows.iter().collect::<Vec<_>>()).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&vec![row(1); 1001]), [500, 500, 1]);
        assert_eq!(sizes(&[row(3 << 20), row(1 << 20), row(1), row(9 << 20), row(1)]), [2, 1, 1, 1]);
    }

    #[test]
    fn only_old_rows_without_a_report_or_reader_are_removed() {
        let (old, young) = ("2026-03-01 00:00:00.000000", "2026-03-10 00:00:00.000000");
        let rows = [
            row(1, &["2526"], old),
            row(2, &["1617"], old),
            row(3, &["1617"], young),
            row(4, &["soon"], old),
            row(5, &["later"], "not a time"),
            row(6, &["2526"], old),
        ];
        assert_eq!(ids(Table::OrganizationSummaryCache, &[&["2526"]], &rows), [2, 4, 6]);
    }

    #[test]
    fn rows_of_other_host_filters_are_kept_whatever_their_age() {
        let old = "2020-01-01 00:00:00.000000";
        let rows = [row(1, &["2526", "prepkc", "3"], old), row(2, &["2526", "all", "9"], old)];
        assert_eq!(ids(Table::DistrictYearEndReports, &[], &rows), [2]);
    }

    #[test]
    fn the_first_row_of_an_expected_key_is_kept_even_if_it_is_old() {
        let old = "2020-01-01 00:00:00.000000";
        let rows = [row(1, &["2526", "", ""], old), row(2, &["2526", "", ""], old)];
        assert_eq!(ids(Table::VirtualSessionReportCache, &[&["2526", "", ""]], &rows), [2]);
    }
}
