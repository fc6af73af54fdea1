//! Figures of a report with their targets.

pub(super) use cached_proto::speech::percent;
use cached_proto::speech::{Figure, figures};
use cached_proto::verb::report::ReportReply;

use crate::output::style::Tone;
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};

const NO_DATA: &str = "no data";

pub(super) fn listing(reply: &ReportReply, view: &View) -> String {
    let rows = figures(reply).into_iter().map(|Figure { name, value, target }| {
        let (value, verdict) = match value {
            Some((value, true)) => (value, ("met", Tone::Good)),
            Some((value, false)) => (value, ("missed", Tone::Bad)),
            None => (NO_DATA.to_owned(), ("-", Tone::Plain)),
        };
        vec![cell(name), cell(value), cell(target), toned(verdict)]
    });
    let columns = [words("FIGURE"), numbers("VALUE"), words("TARGET"), words("VERDICT")];
    table::render(view, &columns, rows.collect())
}

/// The growth from one size to another.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(super) fn change(first: u64, last: u64) -> String {
    if first == 0 {
        return "-".to_owned();
    }
    format!("{:+.1} %", (last as f64 - first as f64) / first as f64 * 100.0)
}
