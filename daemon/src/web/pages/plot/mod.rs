//! Plots: SVG that the daemon draws, so that they need no script, and tables with the same data. They have attributes
//! and classes only, because the security policy refuses inline styles. A colour never stands alone: what differs in
//! tone differs in shape as well.

mod mornings;
mod runs;
mod timeline;
mod trends;

use chrono::NaiveDate;

pub(super) use mornings::Mornings;
pub(super) use runs::{Plot, RunRow};
pub(super) use timeline::Timeline;
pub(super) use trends::Trends;

/// The length that shows a `part` on an axis that shows the `whole`.
fn scaled(part: f64, whole: f64, axis: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) * axis } else { 0.0 }
}

/// A date, as shown.
fn dated(date: NaiveDate) -> String {
    date.format("%-d %b").to_string()
}
