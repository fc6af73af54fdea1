//! Randomness, passed in like time: the only module that asks the operating system for it.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Source of randomness for all components.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Returns 64 unpredictable bits, good enough against accidents but not against adversaries.
    fn bits(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        reason = "all other code receives this source of randomness as a parameter"
    )]
    fn bits(&self) -> u64 {
        // The standard library seeds the keys of its hash tables from the operating system.
        RandomState::new().build_hasher().finish()
    }
}

/// A deterministic sequence, for tests and rehearsals.
#[derive(Debug, Default)]
pub struct ManualRng {
    count: AtomicU64,
}

impl Rng for ManualRng {
    fn bits(&self) -> u64 {
        // Multiplication by an odd factor yields every value before one repeats, and spreads consecutive
        // inputs over the whole range.
        self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_thousand_values_are_all_different() {
        let (system, manual) = (SystemRng, ManualRng::default());
        for rng in [&system as &dyn Rng, &manual] {
            let values: HashSet<u64> = (0..1000).map(|_| rng.bits()).collect();
            assert_eq!(values.len(), 1000, "{rng:?}");
        }
    }

    #[test]
    fn the_manual_sequence_is_the_same_each_time() {
        let sequence = || {
            let rng = ManualRng::default();
            [rng.bits(), rng.bits(), rng.bits()]
        };
        assert_eq!(sequence(), sequence());
    }
}
