//! The JSON API: one file per subject, each handler one verb.

pub(super) mod entries;
pub(super) mod events;
pub(super) mod jobs;
pub(super) mod refresh;
pub(super) mod runs;
pub(super) mod scheduler;
pub(super) mod status;
pub(super) mod tables;
