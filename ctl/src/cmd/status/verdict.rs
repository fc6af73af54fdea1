//! The one-line verdict of `status`.

use cached_proto::speech;
use cached_proto::verb::status::StatusReply;

use crate::output::{View, time};

/// Returns `All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST`, or what is wrong.
pub(super) fn verdict(reply: &StatusReply, view: &View) -> String {
    let verdict = speech::verdict(reply, |next| time::moment(next, view));
    format!("{}; {}", view.style.paint(verdict.tone, &verdict.sentence), verdict.next)
}
