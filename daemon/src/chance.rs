//! Randomness, passed in like time: the only module that asks the operating system for it.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Source of randomness for all components.
pub trait Chance: Send + Sync + fmt::Debug {
    /// Returns 64 unpredictable bits, good enough against accidents but not against adversaries.
    fn bits(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "this is the chance that everybody else is given")]
    fn bits(&self) -> u64 {
        // The standard library seeds the keys of its hash tables from the operating system.
        RandomState::new().build_hasher().finish()
    }
}

/// A deterministic sequence, for tests and rehearsals.
#[derive(Debug, Default)]
pub struct ManualChance {
    drawn: AtomicU64,
}

impl Chance for ManualChance {
    fn bits(&self) -> u64 {
        // Multiplication by an odd factor yields every value before one repeats, and spreads consecutive
        // inputs over the whole range.
        self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bits_do_not_come_twice() {
        let (system, manual) = (SystemChance, ManualChance::default());
        for chance in [&system as &dyn Chance, &manual] {
            let drawn: HashSet<u64> = (0..1000).map(|_| chance.bits()).collect();
            assert_eq!(drawn.len(), 1000, "{chance:?}");
        }
    }

    #[test]
    fn a_manual_sequence_is_the_same_each_time() {
        let draw = || {
            let chance = ManualChance::default();
            [chance.bits(), chance.bits(), chance.bits()]
        };
        assert_eq!(draw(), draw());
    }
}
