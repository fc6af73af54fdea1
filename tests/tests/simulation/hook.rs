//! Points in the middle of the daemon's work at which an event can be injected: it reads the clock, or a
//! statement on its state has ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use cached::clock::{Clock, ManualClock, Sleep};
use chrono::{DateTime, Utc};

use crate::actor::Actor;

/// Panic payload that unwinds a killed daemon.
#[derive(Debug)]
pub(crate) struct Killed;

/// Event injected at a point.
#[derive(Debug)]
pub(crate) enum Blow {
    Kill,
    /// VMS executes this statement.
    Write(Arc<Actor>, String),
}

/// Counts points and injects an event at one of them.
#[derive(Debug)]
pub(crate) struct Hook {
    /// Thread whose points count; reports are built on another thread, whose points are not deterministic.
    thread: ThreadId,
    armed: Mutex<Option<(u64, Blow)>>,
}

impl Hook {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { thread: std::thread::current().id(), armed: Mutex::default() })
    }

    pub(crate) fn arm(&self, point: u64, blow: Blow) {
        *self.lock() = Some((point, blow));
    }

    /// Disarms the hook; returns whether its event had not been injected.
    pub(crate) fn disarm(&self) -> bool {
        self.lock().take().is_some()
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.lock().is_some()
    }

    pub(crate) fn point(&self) {
        if std::thread::current().id() != self.thread {
            return;
        }
        let mut armed = self.lock();
        let blow = match armed.as_mut() {
            None => return,
            Some((0, _)) => armed.take(),
            Some((left, _)) => {
                *left -= 1;
                return;
            }
        };
        drop(armed);
        match blow {
            // Unwinding drops everything on the way, as a kill does; the panic hook is not called.
            Some((_, Blow::Kill)) => std::panic::resume_unwind(Box::new(Killed)),
            // The daemon has the write lock: VMS waits for it, and writes at the first point at which it is
            // released.
            Some((_, Blow::Write(vms, sql))) if !vms.execute_unless_locked(&sql) => {
                self.arm(0, Blow::Write(vms, sql));
            }
            Some((_, Blow::Write(..))) | None => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(u64, Blow)>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A manual clock for which every reading is a point.
#[derive(Debug)]
pub(crate) struct HookedClock {
    pub(crate) manual: Arc<ManualClock>,
    hook: Arc<Hook>,
}

impl HookedClock {
    pub(crate) fn new(start: DateTime<Utc>, hook: Arc<Hook>) -> Self {
        Self { manual: Arc::new(ManualClock::new(start)), hook }
    }
}

impl Clock for HookedClock {
    fn now(&self) -> DateTime<Utc> {
        self.manual.now()
    }

    fn monotonic(&self) -> Duration {
        self.hook.point();
        self.manual.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.manual.sleep(duration)
    }
}
