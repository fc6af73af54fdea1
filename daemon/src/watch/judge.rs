//! What of a look is a reason to refresh.
//!
//! Each reason is acted upon once: a table that cannot be refreshed, or a row that no refresh brings back, must
//! not make us refresh for ever. What a refresh has settled, and what happens again afterwards, is a new reason.
//! Where a refresh failed, the reason still stands, and is one again when somebody doubts that it was settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};

use super::look::{Seen, SeenTable};
use crate::snapshot::{ExistingRow, Source};
use crate::state::EntryStamp;

/// A row that is not as we left it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Odd {
    /// It is gone. How we left it is part of its name, so that its next loss is another one.
    Gone { key: String, row_id: i64, last_updated: String },
    /// Somebody else has written it.
    Rewritten { key: String, row_id: i64, last_updated: Option<String>, replaced: bool },
}

impl Odd {
    /// Whether our row was deleted, even if another one has taken its place.
    fn is_lost(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Rewritten { replaced: true, .. })
    }
}

/// The source that a table was asked to be made of: what it was when, and what it had been made of until then.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    hashes: BTreeMap<Source, u128>,
    made: Option<DateTime<Utc>>,
}

/// Reasons that were acted upon.
#[derive(Debug, Default)]
pub(super) struct Memory {
    sources: HashMap<Table, Asked>,
    rows: HashMap<Table, HashSet<Odd>>,
    /// Tables whose reasons count anew.
    doubted: HashSet<Table>,
}

/// What is new about one table.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Sources that differ from what it was made of.
    pub(super) sources: Vec<Source>,
    /// Rows that are gone.
    pub(super) gone: usize,
    /// Rows that somebody else has written; whether they matter, their table and shape decide.
    pub(super) rewritten: HashSet<i64>,
    /// Whether so many rows were lost at once that no single page view explains it.
    pub(super) wiped: bool,
    asked: Option<Asked>,
    odd: HashSet<Odd>,
}

impl Memory {
    /// What is new about each table.
    pub(super) fn compare(&self, seen: &Seen) -> BTreeMap<Table, News> {
        seen.iter().map(|(&table, seen)| (table, self.news(table, seen))).collect()
    }

    /// What was acted upon for a table, and may have come to nothing, counts anew until it is learnt again. Says
    /// whether there is anything of the kind. Rows that are gone are missing: they are topped up.
    pub(super) fn doubt(&mut self, table: Table) -> bool {
        let rewritten = self.rows.get(&table).is_some_and(|rows| rows.iter().any(|odd| !odd.is_lost()));
        let stands = rewritten || self.sources.contains_key(&table);
        if stands {
            self.doubted.insert(table);
        }
        stands
    }

    /// What was new is known from now on.
    pub(super) fn learn(&mut self, news: BTreeMap<Table, News>) {
        self.doubted.clear();
        for (table, news) in news {
            match news.asked {
                Some(asked) => self.sources.insert(table, asked),
                None => self.sources.remove(&table),
            };
            self.rows.insert(table, news.odd);
        }
    }

    fn news(&self, table: Table, seen: &SeenTable) -> News {
        let changed: Vec<Source> = seen.changed().collect();
        let made = seen.kept.values().map(|kept| kept.taken).max();
        let asked = (!changed.is_empty()).then(|| Asked { hashes: seen.hashes.clone(), made });
        let known = self.sources.get(&table);
        // A table that was never made as a whole is not ours to mend; but what changes from now on is.
        let doubted = self.doubted.contains(&table);
        let is_news =
            doubted || if made.is_some() { known != asked.as_ref() } else { differs(known, asked.as_ref()) };

        let odd = odd(seen);
        let nothing = HashSet::new();
        let before = self.rows.get(&table).unwrap_or(&nothing);
        let mut news = News { sources: if is_news { changed } else { Vec::new() }, ..News::default() };
        let mut lost = 0;
        for odd in odd.iter().filter(|odd| !before.contains(odd) || (doubted && !odd.is_lost())) {
            lost += usize::from(odd.is_lost());
            match odd {
                Odd::Gone { .. } => news.gone += 1,
                Odd::Rewritten { row_id, .. } => {
                    news.rewritten.insert(*row_id);
                }
            }
        }
        news.wiped = seen.stamps.is_wipe(lost);
        News { asked, odd, ..news }
    }
}

/// Whether the source is another one than when it was seen first.
fn differs(known: Option<&Asked>, now: Option<&Asked>) -> bool {
    matches!((known, now), (Some(known), Some(now)) if known.hashes != now.hashes)
}

/// Rows that are not there as we left them. Rows of keys that no refresh ever met are VMS's own affair.
fn odd(seen: &SeenTable) -> HashSet<Odd> {
    let mut first: HashMap<String, &ExistingRow> = HashMap::with_capacity(seen.rows.len());
    for row in &seen.rows {
        // VMS's readers take the lowest id of a key.
        first.entry(row.key.to_string()).or_insert(row);
    }
    let judge = |(key, stamp): (&String, &EntryStamp)| {
        let key = key.clone();
        match first.get(&key) {
            None => Some(Odd::Gone { key, row_id: stamp.row_id, last_updated: stamp.last_updated.clone() }),
            Some(row) if seen.stamps.is_as_left(row) => None,
            Some(row) => Some(Odd::Rewritten {
                key,
                row_id: row.id,
                last_updated: row.last_updated.clone(),
                replaced: row.id != stamp.row_id,
            }),
        }
    };
    seen.stamps.0.iter().filter_map(judge).collect()
}
