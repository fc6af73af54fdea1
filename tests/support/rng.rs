//! Reproducible random numbers: the seed is printed, and `CACHED_SEED` sets it.

use std::time::SystemTime;

/// A sequence of numbers that is determined by a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Creates the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates the sequence of `CACHED_SEED`, or else of an arbitrary seed; the seed is printed.
    #[expect(clippy::disallowed_methods, reason = "a seed that was not given has to come from somewhere")]
    pub fn printed(what: &str) -> Self {
        let chosen = std::env::var("CACHED_SEED").ok().map(|text| text.parse().unwrap());
        let seed = chosen.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            u64::from(since.subsec_nanos()) ^ since.as_secs()
        });
        println!("{what}: CACHED_SEED={seed}");
        Self(seed)
    }

    /// Returns the next number.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Returns a number from 0 up to 1.
    pub fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.bits() >> 32).unwrap()) / f64::from(u32::MAX)
    }
}
