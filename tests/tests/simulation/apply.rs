//! Execution of each operation on the world.

use std::time::Duration;

use cached::jobs::{NewRun, QueueError};
use cached::reports;
use cached::schedule::{pause, resume};
use cached_proto::verb::cancel::Target;
use cached_proto::words::Trigger;
use chrono::TimeDelta;

use crate::daemon::Choices;
use crate::hook::Blow;
use crate::jobs;
use crate::op::Op;
use crate::world::{World, refresh_config, schedule};

/// Upper bound for the steps of any work.
const STEPS: u64 = 2000;

impl World {
    pub(crate) async fn apply(&mut self, op: Op) -> Result<(), String> {
        match op {
            Op::Pass(seconds) => self.pass(seconds).await,
            Op::Sleep(seconds) => {
                self.clock.manual.advance(Duration::from_secs(seconds));
                Ok(())
            }
            Op::Set(seconds) => {
                let now = self.now() + TimeDelta::seconds(seconds);
                self.clock.manual.set(now);
                if seconds < 0 {
                    self.slots.set_back(now);
                    self.rows.set_back(now);
                    self.loss.set_back();
                }
                self.iterate().await
            }
            Op::Work(steps) => self.steps(0, steps, 0).await.map(drop),
            Op::Idle => self.idle().await,
            Op::Rival(steps) => self.steps(1, steps, 0).await.map(drop),
            Op::Crash { down } => self.die(down).await,
            Op::CrashAt { point, down } => {
                self.hook.arm(point, Blow::Kill);
                let worked = self.steps(0, STEPS, down).await.map(drop);
                // If there was less work than points, the daemon dies at rest.
                if self.hook.disarm() { worked.and(self.die(down).await) } else { worked }
            }
            Op::Stop { down } => self.stop(down).await,
            Op::BreakOff { point, down } => self.break_off(point, down).await,
            Op::Lock { exclusive } => {
                if self.locked.is_none() {
                    let kind = if exclusive { "EXCLUSIVE" } else { "IMMEDIATE" };
                    self.vms.execute(&format!("BEGIN {kind}"));
                    self.locked = Some(exclusive);
                }
                Ok(())
            }
            Op::Unlock => {
                self.unlock();
                Ok(())
            }
            Op::Refresh { .. } | Op::Cancel | Op::Retry => self.ask(op).await,
            Op::Import { .. } | Op::Lose | Op::Restore | Op::Wipe { .. } | Op::View { .. } => {
                self.write(op).await;
                Ok(())
            }
            Op::Meddle { point, salt } => self.meddle(point, salt).await,
            Op::Reload { time, zone, catch_up } => {
                self.reload(Choices { time, zone, catch_up, ..self.choices }).await
            }
            Op::StopScheduler => {
                pause(&self.daemon.components.queue).await.map_err(|error| error.to_string())?;
                self.slots.stop(self.now());
                Ok(())
            }
            Op::StartScheduler => {
                resume(&self.daemon.components.queue).await.map_err(|error| error.to_string())?;
                self.slots.start(self.now());
                Ok(())
            }
        }
    }

    /// Lets a worker continue for at most `steps` steps; returns how many it took.
    async fn steps(&mut self, worker: usize, steps: u64, down: u64) -> Result<u64, String> {
        for step in 0..steps {
            if !self.step(worker, down).await? {
                return Ok(step);
            }
        }
        Ok(steps)
    }

    pub(crate) async fn idle(&mut self) -> Result<(), String> {
        if self.steps(0, STEPS, 60).await? == STEPS {
            Err("4: the worker never comes to rest".to_owned())
        } else {
            Ok(())
        }
    }

    /// Lets the other worker finish its run.
    pub(crate) async fn finish_rival(&mut self) -> Result<(), String> {
        while self.daemon.workers[1].is_some() {
            self.step(1, 60).await?;
        }
        Ok(())
    }

    pub(crate) fn unlock(&mut self) {
        if self.locked.take().is_some() {
            self.vms.execute("COMMIT");
        }
    }

    async fn stop(&mut self, down: u64) -> Result<(), String> {
        for worker in [0, 1] {
            while self.daemon.workers[worker].is_some() {
                self.step(worker, 60).await?;
            }
        }
        self.daemon.components.queue.record_stop().await.map_err(|error| error.to_string())?;
        self.reboot(down).await
    }

    async fn break_off(&mut self, point: u64, down: u64) -> Result<(), String> {
        self.daemon.components.queue.record_stop().await.map_err(|error| error.to_string())?;
        self.leaving = true;
        self.hook.arm(point, Blow::Kill);
        self.steps(0, STEPS, down).await?;
        if self.hook.disarm() { self.die(down).await } else { Ok(()) }
    }

    async fn ask(&mut self, op: Op) -> Result<(), String> {
        let queue = self.daemon.components.queue.clone();
        let expected =
            |error: &QueueError| matches!(error, QueueError::Over(_) | QueueError::NothingToRetry(_));
        match op {
            Op::Refresh { table, force, accept } => {
                let tables = reports::tables(&[], table.as_slice());
                let new = NewRun { force, accept, ..NewRun::new(Trigger::Manual, tables) };
                let asked = queue.enqueue(new).await.map_err(|error| error.to_string())?;
                self.jobs.asked(asked.run)
            }
            Op::Cancel => {
                let Some(run) = jobs::newest_open(&self.state).await else { return Ok(()) };
                self.deferred = true;
                match queue.cancel(Target::Run(run), "user 7").await {
                    Err(error) if !expected(&error) => Err(error.to_string()),
                    _ => Ok(()),
                }
            }
            _ => match queue.retry_failed().await {
                Err(error) if !expected(&error) => Err(error.to_string()),
                _ => Ok(()),
            },
        }
    }

    pub(crate) async fn reload(&mut self, choices: Choices) -> Result<(), String> {
        let before = self.choices;
        self.choices = choices;
        let config = choices.config(self.directory.path());
        self.refresh = refresh_config(&config);
        self.daemon.components.reload(config).map_err(|error| error.to_string())?;
        self.daemon.components.planner.survey_again();
        // The operation wakes up the loops.
        self.iterate().await?;
        if (before.time, before.zone) != (choices.time, choices.zone) {
            self.slots.reload(schedule(choices), self.now());
        }
        Ok(())
    }
}
