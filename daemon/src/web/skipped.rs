//! The message for a run that skipped every entry.

use cached_proto::verb::history::Run;
use cached_proto::words::Outcome;

use crate::jobs::{Policy, RefreshScope};

/// Why a run had nothing to do; `None` for a run that did something. Entries are young for `young` hours.
pub(super) fn nothing_to_do(run: &Run, young: u32) -> Option<String> {
    (run.outcome == Some(Outcome::Skipped)).then(|| match Policy::of(run.trigger, false).scope {
        RefreshScope::Expiring => {
            "nothing to do: every entry lasts until the next scheduled refresh".to_owned()
        }
        _ => format!("nothing to do: every entry is younger than {young} hours"),
    })
}
