//! Writes cache tables, and audits their content.
//!
//! A group is serialized and compared before its transaction opens, so that VMS's workers wait for a few
//! milliseconds of plain writes and never for a computation. Nothing is deleted before its replacement is
//! complete; a table may be half updated, a group never. On any error the old rows stay.

pub mod audit;
mod compare;
mod freshness;
mod serialize;
mod shrunk;
mod write;

pub(crate) use compare::is_changed;
pub use freshness::{AgeLimits, Freshness, Stamps};
pub use serialize::{GroupSerializer, SerializedEntry, SerializedGroup, StoreError};
pub use shrunk::{LossLimits, Shrunk, shrunk};
pub use write::{Existing, GroupOutcome, WrittenEntry, write_group};
