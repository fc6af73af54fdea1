//! Time for which VMS's write lock was held: the only wait that a refresh causes VMS's own writers.

use serde::{Deserialize, Serialize};

/// Holds of the write lock, each from the moment it was granted until the commit or rollback had returned. With a
/// write-ahead log that includes the checkpoint after the commit, during which others may write already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WriteLock {
    /// How often it was held.
    pub count: u64,
    /// Seconds of all holds together.
    pub seconds: f64,
    /// Seconds of the longest one.
    pub longest: f64,
}

impl WriteLock {
    /// Combines these holds with those of another part of the work.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            seconds: self.seconds + other.seconds,
            longest: self.longest.max(other.longest),
        }
    }
}

impl std::iter::Sum for WriteLock {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Self::and)
    }
}
