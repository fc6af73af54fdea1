//! Figures beside their targets.

use cached_proto::verb::report::{RefreshTimes, ReportReply};

use crate::output::style::Tone;
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table, time};

const NO_DATA: &str = "no data";

/// A figure, what it should be, and whether it is.
struct Figure {
    name: &'static str,
    value: Option<(String, bool)>,
    target: String,
}

pub(super) fn listing(reply: &ReportReply, view: &View) -> String {
    let targets = &reply.targets;
    let share = |value: Option<f64>, good: &dyn Fn(f64) -> bool| value.map(|v| (percent(v), good(v)));
    let took = |of: fn(&RefreshTimes) -> f64| {
        reply.refresh.map(|times| (time::duration(of(&times)), of(&times) <= targets.refresh_seconds))
    };
    let (at_least, at_most) = (
        |share: f64| format!("at least {}", percent(share)),
        |share: f64| format!("at most {}", percent(share)),
    );
    let longest = format!("at most {}", time::duration(targets.refresh_seconds));
    let figures = [
        Figure {
            name: "Success rate",
            value: share(reply.success_rate, &|rate| rate >= targets.success_rate),
            target: at_least(targets.success_rate),
        },
        Figure {
            name: "Error rate",
            value: share(reply.error_rate, &|rate| rate <= targets.error_rate),
            target: at_most(targets.error_rate),
        },
        Figure { name: "Refresh, average", value: took(|times| times.average), target: longest.clone() },
        Figure { name: "Refresh, median", value: took(|times| times.p50), target: longest.clone() },
        Figure { name: "Refresh, 95 %", value: took(|times| times.p95), target: longest },
        Figure {
            name: "Readiness",
            value: share(reply.readiness.share, &|share| share >= targets.readiness),
            target: at_least(targets.readiness),
        },
    ];
    let rows = figures.into_iter().map(|Figure { name, value, target }| {
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

/// A share in hundredths. It is cut, not rounded: what is not quite all must not look like all.
pub(super) fn percent(share: f64) -> String {
    // What a decimal share loses as a binary number must not cost it a tenth.
    format!("{:.1} %", (share * 1000.0 + 1e-6).floor() / 10.0)
}

/// The growth from one size to another.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(super) fn change(first: u64, last: u64) -> String {
    if first == 0 {
        return "-".to_owned();
    }
    format!("{:+.1} %", (last as f64 - first as f64) / first as f64 * 100.0)
}
