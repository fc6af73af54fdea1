//! The JSON API: one file per subject, each handler one verb.

pub(super) mod entries;
pub(super) mod events;
pub(super) mod history;
pub(super) mod refresh;
pub(super) mod status;
