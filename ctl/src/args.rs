//! What several verbs take: the format, and words of the shared vocabulary.

use std::ffi::OsStr;
use std::str::FromStr;

use cached_proto::words::{CacheType, Table, UnknownWord};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

/// The flag that every listing takes.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// Print JSON: times as RFC 3339 in UTC, seconds as numbers
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses one word. Help, completions and errors list the words as they are written elsewhere, while parsing
/// also accepts `-` for `_`, as users expect of a command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<T: 'static> {
    all: &'static [T],
    as_str: fn(T) -> &'static str,
}

impl Word<CacheType> {
    /// A cache type.
    pub(crate) const TYPE: Self = Self { all: CacheType::ALL, as_str: CacheType::as_str };
}

impl Word<Table> {
    /// A cache table.
    pub(crate) const TABLE: Self = Self { all: Table::ALL, as_str: Table::as_str };
}

impl<T: Copy> Word<T> {
    fn listed(&self) -> impl Iterator<Item = PossibleValue> + '_ {
        self.all.iter().map(|&word| PossibleValue::new((self.as_str)(word)))
    }

    fn unknown(&self, command: &Command, arg: Option<&Arg>, given: &OsStr) -> Result<T, clap::Error> {
        let known = PossibleValuesParser::new(self.listed().collect::<Vec<_>>());
        known.parse_ref(command, arg, given).and_then(|_| Err(clap::Error::new(ErrorKind::InvalidValue)))
    }
}

impl<T> TypedValueParser for Word<T>
where
    T: Copy + Send + Sync + FromStr<Err = UnknownWord> + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, given: &OsStr) -> Result<T, clap::Error> {
        let word = given.to_str().and_then(|given| given.parse().ok());
        // clap's own parser reports what is wrong and which word may have been meant.
        word.map_or_else(|| self.unknown(command, arg, given), Ok)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.listed()))
    }
}
