//! Random numbers from one seed: the same seed gives the same numbers on every machine.

use std::sync::{Mutex, PoisonError};

use cached_tests::rng::Rng;

/// A sequence of numbers that several components share.
#[derive(Debug)]
pub(crate) struct Random(Mutex<Rng>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring sequences.
        Self(Mutex::new(Rng::new(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1))))
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        cached::rng::Rng::bits(self) % bound
    }

    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap()]
    }
}

impl cached::rng::Rng for Random {
    fn bits(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bits()
    }
}
