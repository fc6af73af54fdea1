//! How much of a table a run regenerates.

use cached_proto::words::Trigger;

use crate::queue::Claimed;
use crate::snapshot::Look;

/// How much of a table a run regenerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Only entries that are not young any more, missing or unfit.
    Due,
    /// Every entry; where nothing it depends on has changed since the last time, it is stamped unseen.
    Every,
    /// Every entry, computed and compared byte for byte.
    Thorough,
}

impl Effort {
    /// The schedule regenerates everything, and so does whoever saw the source change. People get the rule of
    /// VMS's own scripts, which leaves young entries alone, unless they insist.
    pub fn of(claimed: &Claimed) -> Self {
        match claimed.trigger {
            _ if claimed.force => Self::Thorough,
            Trigger::Schedule | Trigger::CatchUp | Trigger::Watch => Self::Every,
            Trigger::Manual | Trigger::Startup | Trigger::TopUp => Self::Due,
        }
    }

    /// How closely existing rows have to be looked at: only a choice between them depends on their shape.
    pub const fn look(self) -> Look {
        match self {
            Self::Due => Look::Shape,
            Self::Every | Self::Thorough => Look::Stamps,
        }
    }
}
