//! Invariants of a worker's steps.

use cached::jobs::Claimed;
use cached::reports::report;
use cached::snapshot::Source;
use cached::vms::tables::Table;
use cached_proto::words::Trigger;

use crate::daemon::Stepped;
use crate::world::World;

impl World {
    /// Checks a step; returns false when there was nothing to do.
    pub(crate) async fn judge(&mut self, stepped: Stepped, worker: usize) -> Result<bool, String> {
        match &stepped {
            Stepped::Idle => return Ok(false),
            Stepped::Claimed(_) | Stepped::Began(_) => self.judge_claim(&stepped, worker)?,
            Stepped::Worked(claimed, table) => {
                self.jobs.worked(claimed.run, worker)?;
                self.jobs.check(&self.state).await?;
                if !self.is_opaque() && self.tables.contains(table) {
                    let rows = self.read(&[*table]).await;
                    if self.loss.is_held(claimed.run) {
                        self.rows.unchanged(*table, &rows)?;
                    }
                    let now = self.now();
                    self.rows.stepped(&[*table], rows, &self.refresh, now, regenerates_all(claimed)).await?;
                }
            }
            Stepped::Settled => self.jobs.check(&self.state).await?,
            Stepped::Lost => {}
        }
        Ok(true)
    }

    /// Checks a claimed run, whatever else has happened meanwhile.
    pub(crate) fn judge_claim(&mut self, stepped: &Stepped, worker: usize) -> Result<(), String> {
        match stepped {
            Stepped::Claimed(claimed) => self.claimed(claimed, worker),
            Stepped::Began(claimed) if !self.is_opaque() => {
                let rows = self.vms.number("SELECT count(*) FROM event_participation");
                // A run reads the sources of those of its tables only that it can fill.
                let reads = |table| {
                    self.tables.contains(&table)
                        && table != Table::OrganizationReports
                        && report(table).is_some_and(|r| r.sources().contains(&Source::EventParticipation))
                };
                if claimed.jobs.iter().any(|&(_, table)| reads(table)) {
                    self.loss.began(claimed, rows, self.now());
                } else {
                    self.loss.passed(claimed);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn claimed(&mut self, claimed: &Claimed, worker: usize) -> Result<(), String> {
        let first = !self.jobs.has_begun(claimed.run);
        self.jobs.begun(claimed.run, worker);
        if first && self.slots.is_stopped() && claimed.request.trigger != Trigger::Manual {
            return Err(format!(
                "7: run {} ({}) begins while the scheduler is stopped",
                claimed.run, claimed.request.trigger
            ));
        }
        Ok(())
    }
}

/// Returns whether a run regenerates every row.
fn regenerates_all(claimed: &Claimed) -> bool {
    claimed.request.force
        || matches!(claimed.request.trigger, Trigger::Schedule | Trigger::CatchUp | Trigger::Watch)
}
