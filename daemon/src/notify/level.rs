//! When a change of health is worth telling: pure rules.

use cached_proto::words::HealthLevel;

/// Decides which judgements count.
///
/// An import that replaces rows, or a database that is locked for a moment, makes one look worse than the
/// next. A worse judgement therefore counts when it follows a run, or when the look before it was worse too.
#[derive(Debug)]
pub(super) struct Settling {
    settled: HealthLevel,
    doubtful: bool,
}

impl Settling {
    pub(super) const fn new() -> Self {
        Self { settled: HealthLevel::Healthy, doubtful: false }
    }

    /// Whether this judgement counts. `definite` when it was made because a run ended.
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

/// What one channel has told.
#[derive(Debug)]
pub(super) struct Told {
    announced: HealthLevel,
    given_up: Option<HealthLevel>,
}

impl Told {
    pub(super) const fn new(announced: HealthLevel) -> Self {
        Self { announced, given_up: None }
    }

    /// The level before, if this one is to be told. What could not be told counts as never said: then there is
    /// no recovery to tell either.
    pub(super) fn due(&mut self, level: HealthLevel) -> Option<HealthLevel> {
        self.given_up = self.given_up.filter(|&given_up| given_up == level);
        (level != self.announced && self.given_up.is_none()).then_some(self.announced)
    }

    /// It arrived.
    pub(super) const fn arrived(&mut self, level: HealthLevel) {
        self.announced = level;
    }

    /// It did not, and will not be tried again before the level changes.
    pub(super) const fn give_up(&mut self, level: HealthLevel) {
        self.given_up = Some(level);
    }

    /// The configuration changed: what failed may work now.
    pub(super) const fn hope(&mut self) {
        self.given_up = None;
    }
}
