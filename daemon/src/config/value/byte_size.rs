//! Sizes such as `20MB`.

use std::cmp::Ordering;
use std::fmt;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

/// Units with their sizes; a unit that ends with another one comes before it.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// A number of bytes; `KB`, `MB`, `GB` are powers of 1000 and `KiB`, `MiB`, `GiB` powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |unit: u64| self.0 >= unit && self.0.is_multiple_of(unit);
        let largest = UNITS.iter().filter(|(_, unit)| whole(*unit)).max_by_key(|(_, unit)| *unit);
        let (name, unit) = largest.copied().unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Setting for ByteSize {
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
        let allowed = || "must be a size with its unit, such as 500KB, 20MB or 1GiB".to_owned();
        let upper = text.to_ascii_uppercase();
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| {
                upper.strip_suffix(&name.to_ascii_uppercase()).map(|number| (number, *unit))
            })
            .ok_or_else(allowed)?;
        let number = number.trim_end();
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(allowed());
        }
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).map(Self).ok_or_else(allowed)
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }

    fn compare(&self, limit: &Self) -> Option<Ordering> {
        self.partial_cmp(limit)
    }
}
