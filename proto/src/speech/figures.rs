//! Figures of a report with their targets.

use super::duration;
use crate::verb::report::{RefreshTimes, ReportReply};

/// A figure, its target, and whether the target is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name: `Success rate`.
    pub name: &'static str,
    /// Its value and whether the target is met; `None` without data.
    pub value: Option<(String, bool)>,
    /// The target: `at least 95.0 %`.
    pub target: String,
}

/// Returns all figures that are measured against a target.
pub fn figures(reply: &ReportReply) -> [Figure; 6] {
    let targets = &reply.targets;
    let share = |value: Option<f64>, shown: fn(f64) -> String, good: &dyn Fn(f64) -> bool| {
        value.map(|v| (shown(v), good(v)))
    };
    let took = |of: fn(&RefreshTimes) -> f64| {
        reply.refresh.map(|times| (duration(of(&times)), of(&times) <= targets.refresh_seconds))
    };
    let (at_least, at_most) = (
        |share: f64| format!("at least {}", percent(share)),
        |share: f64| format!("at most {}", percent(share)),
    );
    let longest = format!("at most {}", duration(targets.refresh_seconds));
    [
        Figure {
            name: "Success rate",
            value: share(reply.success_rate, percent, &|rate| rate >= targets.success_rate),
            target: at_least(targets.success_rate),
        },
        Figure {
            name: "Error rate",
            value: share(reply.error_rate, percent_of_bad, &|rate| rate <= targets.error_rate),
            target: at_most(targets.error_rate),
        },
        Figure { name: "Refresh, average", value: took(|times| times.average), target: longest.clone() },
        Figure { name: "Refresh, median", value: took(|times| times.p50), target: longest.clone() },
        Figure { name: "Refresh, 95 %", value: took(|times| times.p95), target: longest },
        Figure {
            name: "Readiness",
            value: share(reply.readiness.share, percent, &|share| share >= targets.readiness),
            target: at_least(targets.readiness),
        },
    ]
}

/// Formats a share as a percentage. It is cut, not rounded, so that slightly less than all never reads as
/// all.
pub fn percent(share: f64) -> String {
    // Compensates the error of the binary representation, which must not cost a decimal share a tenth.
    format!("{:.1} %", (share * 1000.0 + 1e-6).floor() / 10.0)
}

/// Formats the share of an undesired outcome as a percentage, rounded up: slightly more than allowed must not
/// read as allowed.
fn percent_of_bad(share: f64) -> String {
    // The value is clamped before it is rounded up, which would turn it into negative zero.
    format!("{:.1} %", (share * 1000.0 - 1e-6).max(0.0).ceil() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::{percent, percent_of_bad};

    #[test]
    fn what_is_good_is_cut_and_what_is_bad_is_rounded_up() {
        for (share, good, bad) in [
            (0.0, "0.0 %", "0.0 %"),
            (0.05, "5.0 %", "5.0 %"),
            (0.0504, "5.0 %", "5.1 %"),
            (0.29, "29.0 %", "29.0 %"),
            (0.999_999, "99.9 %", "100.0 %"),
            (1.0, "100.0 %", "100.0 %"),
        ] {
            assert_eq!((percent(share).as_str(), percent_of_bad(share).as_str()), (good, bad), "{share}");
        }
    }
}
