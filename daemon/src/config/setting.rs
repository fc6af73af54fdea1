//! How a type is parsed from and shown as a configuration value.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{NaiveTime, Timelike};
use chrono_tz::Tz;

use super::process_environment::ProcessEnvironment;

/// The TOML type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    List,
    /// Tables and anything else that no key takes.
    Other,
}

impl Kind {
    /// What to write in the file.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text | Self::Other => "must be a text in quotes",
            Self::Integer => "must be a whole number without quotes",
            Self::Number => "must be a number without quotes",
            Self::Boolean => "must be true or false without quotes",
            Self::List => "must be a list of texts such as [\"a\", \"b\"]",
        }
    }

    /// Whether a value of the file fits a key of this kind.
    pub(super) fn accepts(self, given: Self) -> bool {
        self == given || (self == Self::Number && given == Self::Integer)
    }
}

/// A type that a key can have.
pub(super) trait Setting: Sized + Clone {
    /// How the value is written in TOML.
    const KIND: Kind = Kind::Text;

    /// Parses the text form, which flags and variables provide. The error says what is allowed.
    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String>;

    /// The value as TOML; `None` if there is none.
    fn show(&self) -> Option<toml::Value>;

    /// The value of an optional key that nothing sets; `None` if the type cannot be absent.
    fn absent() -> Option<Self> {
        None
    }

    /// How the value compares to a limit.
    fn compare(&self, _limit: &Self) -> Option<Ordering> {
        None
    }

    /// Whether showing the value unchanged would disclose a credential.
    fn carries_secret(&self) -> bool {
        false
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;

    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String> {
        // An empty text takes back what a lower layer set.
        if text.is_empty() { Ok(None) } else { T::parse(text, environment).map(Some) }
    }

    fn show(&self) -> Option<toml::Value> {
        self.as_ref().and_then(T::show)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn carries_secret(&self) -> bool {
        self.as_ref().is_some_and(T::carries_secret)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = Kind::List;

    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| T::parse(part, environment))
            .collect()
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::Array(self.iter().filter_map(T::show).collect()))
    }
}

macro_rules! whole_numbers {
    ($($Type:ty),+) => { $(
        impl Setting for $Type {
            const KIND: Kind = Kind::Integer;

            fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
                text.parse().map_err(|_| format!("must be a whole number from 0 to {}", Self::MAX))
            }

            fn show(&self) -> Option<toml::Value> {
                Some(toml::Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX)))
            }

            fn compare(&self, limit: &Self) -> Option<Ordering> {
                self.partial_cmp(limit)
            }
        }
    )+ };
}

whole_numbers!(u32, u64);

impl Setting for f64 {
    const KIND: Kind = Kind::Number;

    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        text.parse().map_err(|_| "must be a number such as 0.95".to_owned())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::Float(*self))
    }

    fn compare(&self, limit: &Self) -> Option<Ordering> {
        self.partial_cmp(limit)
    }
}

impl Setting for bool {
    const KIND: Kind = Kind::Boolean;

    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::Boolean(*self))
    }
}

impl Setting for String {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.clone()))
    }
}

impl Setting for PathBuf {
    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String> {
        if text.is_empty() || text.contains('\0') {
            return Err("must be a path".to_owned());
        }
        Ok(environment.absolute(Path::new(text)))
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string_lossy().into_owned()))
    }
}

impl Setting for Duration {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map_err(|_| "must be a time with its unit, such as 500ms, 30s or 5m".to_owned())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(humantime::format_duration(*self).to_string()))
    }

    fn compare(&self, limit: &Self) -> Option<Ordering> {
        self.partial_cmp(limit)
    }
}

impl Setting for NaiveTime {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let parsed = Self::parse_from_str(text, "%H:%M").or_else(|_| Self::parse_from_str(text, "%H:%M:%S"));
        // A slot is a minute. chrono reads second 60 as a leap second, which no schedule can meet.
        let plain = parsed.ok().filter(|time| (time.second(), time.nanosecond()) == (0, 0));
        plain.ok_or_else(|| "must be a time of day from 00:00 to 23:59, such as 02:00".to_owned())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.format("%H:%M").to_string()))
    }
}

impl Setting for Tz {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let likeness = |zone: &Self| strsim::normalized_damerau_levenshtein(text, zone.name());
            let closer = |a: Self, b: Self| if likeness(&b) > likeness(&a) { b } else { a };
            let nearest =
                chrono_tz::TZ_VARIANTS.iter().copied().reduce(closer).map_or("UTC", |zone| zone.name());
            format!("must be an IANA time zone such as America/Chicago; did you mean {nearest}?")
        })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.name().to_owned()))
    }
}

impl Setting for SocketAddr {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        local.as_deref().unwrap_or(text).parse().map_err(|_| {
            "must be an address with a port, such as 127.0.0.1:8321, or empty to switch the page off"
                .to_owned()
        })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}
