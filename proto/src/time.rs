//! Instants on the socket and in JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An instant: microseconds since the Unix epoch on the wire, RFC 3339 UTC in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime))]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Converts to a chrono instant; instants beyond chrono's range become its nearest end.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let at = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
            Ok(at.to_utc().into())
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_rfc_3339_in_utc() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_772_956_800_000_000, "2026-03-08T08:00:00Z"),
            (1_772_956_800_250_000, "2026-03-08T08:00:00.250Z"),
            (1_772_956_800_000_001, "2026-03-08T08:00:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            let json = serde_json::to_string(&Timestamp::from_micros(micros)).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap().as_micros(), micros);
        }
    }

    #[test]
    fn an_instant_may_be_given_in_another_zone() {
        let at: Timestamp = serde_json::from_str("\"2026-03-08T03:00:00-05:00\"").unwrap();
        assert_eq!(at.as_micros(), 1_772_956_800_000_000);
    }

    #[test]
    fn an_instant_that_is_no_text_or_no_instant_is_refused() {
        for json in ["1772956800", "\"2026-03-08\"", "\"2026-13-08T08:00:00Z\"", "null"] {
            assert!(serde_json::from_str::<Timestamp>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_instant_out_of_range_is_the_nearest_one_in_range() {
        assert_eq!(Timestamp::from_micros(i64::MAX).to_utc(), DateTime::<Utc>::MAX_UTC);
        assert_eq!(Timestamp::from_micros(i64::MIN).to_utc(), DateTime::<Utc>::MIN_UTC);
    }
}
