//! Numbers as VMS's Python prints them: `0` and `0.0` are different texts on its pages.
//!
//! Rounding is half to even on the exact binary value; a sum of nothing, and a percentage of nothing, is the
//! integer `0`.

use std::cmp::Ordering;

use serde::{Serialize, Serializer};

/// Rounds to `digits` decimals as Python's `round` does: the exact binary value decides, ties go to even.
pub fn round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

/// A sum of hours: the integer `0` until something other than zero was added, a float from then on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hours(f64, bool);

impl Hours {
    /// Adds hours; `None` and zero add the integer zero.
    pub fn add(&mut self, hours: Option<f64>) {
        if let Some(hours) = hours.filter(|&hours| hours != 0.0) {
            *self = Self(self.0 + hours, true);
        }
    }

    /// Adds another sum.
    pub fn add_sum(&mut self, other: Self) {
        *self = Self(self.0 + other.0, self.1 || other.1);
    }

    /// Creates a sum that is a float from the start.
    pub const fn float(value: f64) -> Self {
        Self(value, true)
    }

    /// Returns the value.
    pub const fn value(self) -> f64 {
        self.0
    }

    /// Compares as Python's sorts do: `-0.0` equals `0.0`, and values without an order compare as equal.
    pub fn compare(self, other: Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }

    /// Returns whether only zeros were added.
    pub const fn is_integer_zero(self) -> bool {
        !self.1
    }

    /// Returns the sum rounded; an integer stays one.
    pub fn rounded(self, digits: usize) -> Self {
        if self.1 { Self(round(self.0, digits), true) } else { self }
    }
}

impl std::iter::Sum for Hours {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        let mut sum = Self::default();
        iter.for_each(|hours| sum.add_sum(hours));
        sum
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1 { serializer.serialize_f64(self.0) } else { serializer.serialize_i64(0) }
    }
}

/// Returns a percentage with one decimal; the integer `0` when `total` is not positive.
pub fn percent(part: f64, total: f64) -> Hours {
    if total > 0.0 { Hours::float(round(part / total * 100.0, 1)) } else { Hours::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_round_to_minus_zero_are_no_less_than_none() {
        let mut little = Hours::default();
        little.add(Some(-0.004));
        assert_eq!(little.rounded(1).compare(Hours::default()), Ordering::Equal);
        assert_eq!(Hours::float(1.5).compare(little), Ordering::Greater);
    }

    #[test]
    fn rounding_is_pythons() {
        for (value, digits, expected) in [
            (6.25, 1, 6.2),
            (18.75, 1, 18.8),
            (3.625, 2, 3.62),
            (1.125, 2, 1.12),
            (2.675, 2, 2.67),
            (0.05, 1, 0.1),
        ] {
            assert_eq!(round(value, digits).to_string(), f64::to_string(&expected), "{value}");
        }
    }

    #[test]
    fn a_sum_is_an_integer_until_something_is_added() {
        let text = |hours: &[Option<f64>]| {
            let mut sum = Hours::default();
            for &hours in hours {
                sum.add(hours);
            }
            serde_json::to_string(&sum).unwrap()
        };
        assert_eq!(text(&[]), "0");
        assert_eq!(text(&[None, Some(0.0)]), "0");
        assert_eq!(text(&[Some(2.0), None]), "2.0");
        assert_eq!(text(&[Some(0.1), Some(0.2)]), "0.30000000000000004");
    }

    #[test]
    fn percentages_of_nothing_are_integers() {
        assert_eq!(serde_json::to_string(&percent(0.0, 0.0)).unwrap(), "0");
        assert_eq!(serde_json::to_string(&percent(0.0, 3.0)).unwrap(), "0.0");
        assert_eq!(serde_json::to_string(&percent(2.0, 3.0)).unwrap(), "66.7");
    }
}
