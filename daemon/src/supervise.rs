//! The components of the daemon as one list: each has a name, a heartbeat, and a rule for its end.
//!
//! The daemon cannot work without an essential component: its end ends the process. A side component that
//! panics, fails or ends is started again after a pause, and is a reason of `health` meanwhile: a refresh
//! never depends on it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cached_proto::text::one_line;
use futures_util::future::select_all;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use crate::clock::Clock;
use crate::describe::{describe, panic_message};
use crate::heartbeat::Heartbeat;

/// First and longest pause before a side component is started again. A port that another program holds is
/// free at an unknown time, and an attempt costs next to nothing.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long a side component must have run for its earlier failures to be forgotten.
const STEADY: Duration = Duration::from_mins(10);

/// Components whose faults have reasons of their own in `health`.
pub(crate) const SOCKET: &str = "control socket";
pub(crate) const LOCK: &str = "state lock";

const BUG_ENDED: &str = "it ended early; this is a bug, please report it with the log";

/// Why a component cannot continue.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The work of a component; it ends only when the component is stopped.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// When a component is stopped, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At once: its future is dropped.
    AtOnce,
    /// It ends by itself once the run in progress has ended.
    AfterRun,
    /// It ends by itself once clients have received the end of the run.
    AfterClients,
    /// It ends by itself once no further notification can arise.
    Last,
    /// It is dropped with the daemon; its work is stopped in another way.
    WithDaemon,
}

/// The two steps in which the connections of a server are shut down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shutdown {
    /// Stop accepting connections and requests.
    pub(crate) stop: CancellationToken,
    /// Stop sending events as well: there will be no more.
    pub(crate) hang_up: CancellationToken,
}

/// What the end of a component means.
enum Kind {
    Essential(Box<dyn FnOnce(Heartbeat) -> Work + Send>),
    Side(Box<dyn FnMut(Heartbeat) -> Work + Send>),
}

/// A component that is not running yet.
pub(crate) struct Component {
    name: &'static str,
    stop: Stop,
    kind: Kind,
}

impl Component {
    /// A component whose end ends the process.
    pub(crate) fn essential<F>(
        name: &'static str,
        stop: Stop,
        start: impl FnOnce(Heartbeat) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self { name, stop, kind: Kind::Essential(Box::new(|heartbeat| Box::pin(start(heartbeat)))) }
    }

    /// A component that is started again when it ends.
    pub(crate) fn side<F>(
        name: &'static str,
        stop: Stop,
        mut start: impl FnMut(Heartbeat) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self { name, stop, kind: Kind::Side(Box::new(move |heartbeat| Box::pin(start(heartbeat)))) }
    }
}

/// Why the daemon cannot continue.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum TaskFailure {
    /// An essential component reported that it cannot continue.
    #[error("{source}")]
    Failed { task: &'static str, source: Failure },
    /// An essential component panicked, which is a bug.
    #[error("the {task} task panicked; this is a bug, please report it with the log")]
    Panicked { task: &'static str, source: JoinError },
    /// A component ended early, which is a bug.
    #[error("the {task} task ended early; this is a bug, please report it with the log")]
    Ended { task: &'static str },
}

/// The running components. Dropping it aborts all of them.
#[derive(Debug)]
pub(crate) struct Supervisor(Vec<Running>);

struct Running {
    name: &'static str,
    stop: Stop,
    heartbeat: Heartbeat,
    is_essential: bool,
    task: AbortOnDropHandle<Result<(), Failure>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("name", &self.name).field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Starts all components. Once `stopping` is cancelled, no component that ends is started again.
    pub(crate) fn start(
        list: Vec<Component>,
        clock: &Arc<dyn Clock>,
        faults: &Faults,
        stopping: &CancellationToken,
    ) -> Self {
        let prepare = |Component { name, stop, kind }| {
            let heartbeat = Heartbeat::new(name, clock);
            let is_essential = matches!(kind, Kind::Essential(_));
            let work: Work = match kind {
                Kind::Essential(start) => start(heartbeat.clone()),
                Kind::Side(mut start) => {
                    faults.watch(heartbeat.clone());
                    let first = start(heartbeat.clone());
                    let (clock, heartbeat) = (Arc::clone(clock), heartbeat.clone());
                    let (faults, stopping) = (faults.clone(), stopping.clone());
                    Box::pin(Keeper { start, heartbeat, clock, faults, stopping }.keep(first))
                }
            };
            (name, stop, heartbeat, is_essential, work)
        };
        // All are prepared before the first one runs, so that none misses an event of another.
        let prepared: Vec<_> = list.into_iter().map(prepare).collect();
        let run = |(name, stop, heartbeat, is_essential, work)| {
            let task = AbortOnDropHandle::new(tokio::spawn(work));
            Running { name, stop, heartbeat, is_essential, task }
        };
        Self(prepared.into_iter().map(run).collect())
    }

    /// Waits until an essential component ends, and removes it. Cancel-safe.
    pub(crate) async fn failed(&mut self) -> TaskFailure {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let (result, index, _) = select_all(self.0.iter_mut().map(|running| &mut running.task)).await;
        let task = self.0.swap_remove(index).name;
        match result {
            Ok(Ok(())) => TaskFailure::Ended { task },
            Ok(Err(source)) => TaskFailure::Failed { task, source },
            Err(source) => TaskFailure::Panicked { task, source },
        }
    }

    /// An essential component whose heartbeat is overdue, and for how long.
    pub(crate) fn silent(&self) -> Option<(&'static str, Duration)> {
        let mut essential = self.0.iter().filter(|running| running.is_essential);
        essential.find_map(|running| Some((running.name, running.heartbeat.overdue()?)))
    }

    /// Stops the components of one step: drops them, or waits until each has ended by itself.
    pub(crate) async fn stop(&mut self, step: Stop) {
        for running in self.0.extract_if(.., |running| running.stop == step) {
            match step {
                Stop::AtOnce => drop(running),
                // A panic does not matter any more: the component was to end anyway.
                _ => drop(running.task.await),
            }
        }
    }
}

/// Runs one side component for as long as the daemon runs.
struct Keeper {
    start: Box<dyn FnMut(Heartbeat) -> Work + Send>,
    heartbeat: Heartbeat,
    clock: Arc<dyn Clock>,
    faults: Faults,
    stopping: CancellationToken,
}

impl Keeper {
    async fn keep(mut self, first: Work) -> Result<(), Failure> {
        let name = self.heartbeat.name();
        let (mut failures, mut logged) = (0_u32, String::new());
        let mut work = first;
        loop {
            let began = self.clock.monotonic();
            self.heartbeat.beat(Duration::ZERO);
            let ended = AbortOnDropHandle::new(tokio::spawn(work)).await;
            if self.stopping.is_cancelled() {
                return Ok(());
            }
            if self.clock.monotonic().saturating_sub(began) >= STEADY {
                (failures, logged) = (0, String::new());
            }
            failures = failures.saturating_add(1);
            let pause = pause(failures);
            let what = match ended {
                Ok(Ok(())) => BUG_ENDED.to_owned(),
                Ok(Err(failure)) => describe(&*failure),
                Err(panic) => panicked(panic),
            };
            // Repeating the same message for hours would hide everything else in the log.
            if what != logged {
                error!("The {name} component failed, starting it again: {what}");
                logged.clone_from(&what);
            }
            self.faults.set(name, what);
            // It does nothing until then, so no beat is expected.
            tokio::select! {
                () = self.heartbeat.nap(pause) => {}
                () = self.stopping.cancelled() => return Ok(()),
            }
            let again = failures > 1;
            let until = if again { self.clock.monotonic().saturating_add(STEADY) } else { Duration::ZERO };
            self.faults.forget_at(name, until);
            work = (self.start)(self.heartbeat.clone());
        }
    }
}

fn panicked(error: JoinError) -> String {
    let payload = error.try_into_panic();
    let message = payload.map_or_else(|_| "no message".to_owned(), |payload| panic_message(&*payload));
    format!("it panicked ({}); this is a bug, please report it with the log", one_line(&message))
}

/// The pause after this many failures in a row.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// The current faults of components, for `health`; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    faults: BTreeMap<&'static str, (String, Option<Duration>)>,
    heartbeats: Vec<Heartbeat>,
}

/// A part of the daemon that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the component.
    pub component: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl Faults {
    /// Creates an empty list.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Arc::default() }
    }

    /// Records what is wrong with a component, until it is cleared. Returns whether that is new.
    pub(crate) fn set(&self, component: &'static str, what: String) -> bool {
        let mut known = self.known();
        let is_new = known.faults.get(component).is_none_or(|(before, _)| *before != what);
        known.faults.insert(component, (what, None));
        is_new
    }

    /// Records that a component works again.
    pub(crate) fn clear(&self, component: &'static str) {
        self.known().faults.remove(component);
    }

    /// Returns the current faults, including components whose heartbeat is overdue.
    pub(crate) fn now(&self) -> Vec<Fault> {
        let now = self.clock.monotonic();
        let known = self.known();
        let lasting = known.faults.iter().filter(|(_, (_, until))| until.is_none_or(|until| now < until));
        let lasting = lasting.map(|(&component, (what, _))| Fault { component, what: what.clone() });
        let silent = known.heartbeats.iter().filter_map(|heartbeat| {
            let late = heartbeat.overdue()?.as_secs();
            let what = format!("its heartbeat is {late} seconds overdue");
            Some(Fault { component: heartbeat.name(), what })
        });
        lasting.chain(silent).collect()
    }

    fn watch(&self, heartbeat: Heartbeat) {
        self.known().heartbeats.push(heartbeat);
    }

    fn forget_at(&self, component: &'static str, at: Duration) {
        if let Some((_, until)) = self.known().faults.get_mut(component) {
            *until = Some(at);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn pauses_grow_up_to_a_minute() {
        let pauses = [1, 2, 3, 6, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[tokio::test]
    async fn a_component_is_a_fault_only_while_it_is_silent_or_failing() {
        let manual = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = manual.clone();
        let (faults, stopping) = (Faults::new(clock.clone()), CancellationToken::new());
        let (mut starts, slow) = (0, Arc::clone(&clock));
        let hangs_then_fails = Component::side("c", Stop::AtOnce, move |heartbeat| {
            starts += 1;
            let (ends, slow) = (starts == 1, Arc::clone(&slow));
            async move {
                heartbeat.nap(Duration::from_mins(1)).await;
                slow.sleep(Duration::from_mins(10)).await;
                if ends { Err("no more".into()) } else { std::future::pending().await }
            }
        });
        let mut running = Supervisor::start(vec![hangs_then_fails], &clock, &faults, &stopping);
        let what = || faults.now().into_iter().map(|fault| fault.what).collect::<Vec<_>>();
        manual.sleeping(1).await;
        assert_eq!(what(), Vec::<String>::new());
        manual.advance(Duration::from_mins(1));
        manual.sleeping(1).await;
        manual.advance(Duration::from_mins(5));
        assert_eq!(what(), ["its heartbeat is 180 seconds overdue"]);
        manual.advance(Duration::from_mins(5));
        manual.sleeping(1).await;
        assert_eq!(what(), ["no more"]);
        manual.advance(FIRST_PAUSE);
        manual.sleeping(1).await;
        assert_eq!(what(), Vec::<String>::new());
        assert_eq!(running.silent(), None, "only an essential component's silence ends the process");
        running.stop(Stop::AtOnce).await;
        manual.advance(Duration::from_hours(1));
    }
}
