//! Decides, as pure rules, when a change of health is announced.

use cached_proto::words::HealthLevel;

/// Decides which judgements count.
///
/// An import that replaces rows, or a database that is locked for a moment, makes one evaluation worse than
/// the next. A worse judgement therefore counts only if it follows a run, or if the evaluation before it was
/// worse, too.
#[derive(Debug)]
pub(super) struct Settling {
    settled: HealthLevel,
    doubtful: bool,
}

impl Settling {
    pub(super) const fn new() -> Self {
        Self { settled: HealthLevel::Healthy, doubtful: false }
    }

    /// Whether this judgement counts. `definite` means that it was made because a run ended.
    pub(super) fn counts(&mut self, level: HealthLevel, definite: bool) -> bool {
        let worse = level > self.settled;
        let counts = !worse || definite || self.doubtful;
        self.doubtful = worse && !counts;
        if counts {
            self.settled = level;
        }
        counts
    }
}

/// What one channel has announced.
#[derive(Debug)]
pub(super) struct Told {
    announced: HealthLevel,
    given_up: Option<HealthLevel>,
}

impl Told {
    pub(super) const fn new(announced: HealthLevel) -> Self {
        Self { announced, given_up: None }
    }

    /// The previously announced level, if `level` is to be announced. A level whose announcement failed
    /// counts as never announced, so its recovery is not announced either.
    pub(super) fn due(&mut self, level: HealthLevel) -> Option<HealthLevel> {
        self.given_up = self.given_up.filter(|&given_up| given_up == level);
        (level != self.announced && self.given_up.is_none()).then_some(self.announced)
    }

    /// Records that the announcement arrived.
    pub(super) const fn arrived(&mut self, level: HealthLevel) {
        self.announced = level;
    }

    /// Records that the announcement failed and is not repeated before the level changes.
    pub(super) const fn give_up(&mut self, level: HealthLevel) {
        self.given_up = Some(level);
    }

    /// Allows another attempt after a change of the configuration, which may have fixed the cause.
    pub(super) const fn hope(&mut self) {
        self.given_up = None;
    }
}
