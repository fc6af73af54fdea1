//! Writes of VMS: between operations of the daemon, and in the middle of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::hook::Blow;
use crate::op::Op;
use crate::vms;
use crate::world::World;

impl World {
    /// Executes a write of VMS, unless another process has locked its database.
    pub(crate) async fn write(&mut self, op: Op) {
        // Only on a stopped clock would VMS write in the same microsecond as a refresh.
        self.clock.manual.advance(Duration::from_micros(1));
        if self.locked.is_none()
            && let Some(sql) = self.sql(op, self.now())
        {
            self.vms.execute(&sql);
            self.touched().await;
        }
    }

    fn sql(&self, op: Op, now: DateTime<Utc>) -> Option<String> {
        match op {
            Op::Import { kind, salt } => Some(vms::import(kind, salt)),
            Op::Lose => Some(vms::LOSE.to_owned()),
            Op::Restore => Some(vms::RESTORE.to_owned()),
            Op::Wipe { table, every } => self.tables.contains(&table).then(|| vms::wipe(table, every)),
            Op::View { table, salt } if self.tables.contains(&table) => {
                vms::view(&self.vms, table, salt, now)
            }
            _ => None,
        }
    }

    pub(crate) async fn meddle(&mut self, point: u64, salt: u64) -> Result<(), String> {
        let op = vms::meddling(salt, &self.tables);
        let later = self.now() + TimeDelta::microseconds(1);
        match self.sql(op, later).filter(|_| self.locked.is_none()) {
            Some(sql) => self.meddle_with(point, sql).await,
            None => Ok(()),
        }
    }

    /// Lets the worker continue until VMS has executed a statement at the n-th point from now.
    pub(crate) async fn meddle_with(&mut self, point: u64, sql: String) -> Result<(), String> {
        self.hook.arm(point, Blow::Write(self.vms.clone(), sql));
        let mut idle = false;
        while !idle && self.hook.is_armed() {
            let stepped = self.daemon.step(0).await.map_err(|error| format!("the queue fails: {error}"))?;
            if self.hook.is_armed() {
                idle = !self.judge(stepped, 0).await?;
            } else {
                // When both have written, the changes cannot be attributed from outside.
                self.touched().await;
                self.judge_claim(&stepped, 0)?;
            }
        }
        self.hook.disarm();
        Ok(())
    }
}
