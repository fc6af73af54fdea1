//! Decides which findings of a check are reasons to refresh.
//!
//! Each reason is acted upon once, so that a table that cannot be refreshed, or a row that no refresh
//! restores, does not cause endless refreshes. If the same thing happens again after a refresh has settled
//! it, that is a new reason. After a failed refresh the reason still holds, and it counts again once
//! [`Memory::doubt`] is called.

use std::collections::{BTreeMap, HashMap, HashSet};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};

use super::look::{Seen, SeenTable};
use crate::refresh::{RefreshConfig, RefreshError, suspicion};
use crate::snapshot::{ExistingRow, Source, SourceSet};
use crate::state::{EntryStamp, State};
use crate::vms::Vms;

/// Most rows that page views are expected to rewrite between two checks.
const PAGE_VIEWS: usize = 5;

/// A row that differs from how the daemon left it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Odd {
    /// The row was deleted. The state in which the daemon left it is part of the value, so that its next loss
    /// differs.
    Gone { key: String, row_id: i64, last_updated: String },
    /// Another process has written the row.
    Rewritten { key: String, row_id: i64, last_updated: Option<String>, replaced: bool },
}

impl Odd {
    /// Whether the daemon's row was deleted, even if another row has replaced it.
    fn is_lost(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Rewritten { replaced: true, .. })
    }
}

/// The source for which a refresh was queued: its hashes at that time, and when the source that the table was
/// generated from until then was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    hashes: BTreeMap<Source, u128>,
    made: Option<DateTime<Utc>>,
}

/// Reasons that were already acted upon.
#[derive(Debug, Default)]
pub(super) struct Memory {
    sources: HashMap<Table, Asked>,
    rows: HashMap<Table, HashSet<Odd>>,
    /// Tables whose known reasons count again.
    doubted: HashSet<Table>,
}

/// What is new about one table.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Sources that differ from those the table was generated from.
    pub(super) sources: Vec<Source>,
    /// Number of deleted rows.
    pub(super) gone: usize,
    /// Rows written by another process, by id, with the digest of the payload that the daemon left there; their
    /// table and content decide whether they matter.
    pub(super) rewritten: HashMap<i64, Option<String>>,
    /// Whether so many of them were written that single page views do not explain it, so that a refresh in
    /// return may only make the other process write again.
    pub(super) bulk: bool,
    /// Whether several of them have the same stamp: VMS stamps each row by itself, `cached` a whole table.
    pub(super) alike: bool,
    /// Whether more rows were lost at once than a single page view explains.
    pub(super) wiped: bool,
    asked: Option<Asked>,
    odd: HashSet<Odd>,
}

impl Memory {
    /// What is new about each table.
    pub(super) fn compare(&self, seen: &Seen) -> BTreeMap<Table, News> {
        seen.iter().map(|(&table, seen)| (table, self.news(table, seen))).collect()
    }

    /// Makes the known reasons of a table count again until the next [`learn`](Self::learn), since the
    /// refresh may have failed. Returns whether there are any. Deleted rows are excluded: they count as
    /// missing and are topped up.
    pub(super) fn doubt(&mut self, table: Table) -> bool {
        let rewritten = self.rows.get(&table).is_some_and(|rows| rows.iter().any(|odd| !odd.is_lost()));
        let stands = rewritten || self.sources.contains_key(&table);
        if stands {
            self.doubted.insert(table);
        }
        stands
    }

    /// Records everything in `news` as known.
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
        // A table that was never generated as a whole is not repaired here, but later changes of its source
        // count.
        let doubted = self.doubted.contains(&table);
        let is_news =
            doubted || if made.is_some() { known != asked.as_ref() } else { differs(known, asked.as_ref()) };

        let odd = odd(seen);
        let nothing = HashSet::new();
        let before = self.rows.get(&table).unwrap_or(&nothing);
        let mut news = News { sources: if is_news { changed } else { Vec::new() }, ..News::default() };
        let mut lost = 0;
        let mut stamps: HashMap<&str, usize> = HashMap::new();
        for odd in odd.iter().filter(|odd| !before.contains(odd) || (doubted && !odd.is_lost())) {
            lost += usize::from(odd.is_lost());
            match odd {
                Odd::Gone { .. } => news.gone += 1,
                Odd::Rewritten { key, row_id, last_updated, replaced } => {
                    let left = seen.stamps.0.get(key).and_then(|left| left.payload.clone());
                    news.rewritten.insert(*row_id, left);
                    if let (Some(stamp), false) = (last_updated, replaced) {
                        *stamps.entry(stamp).or_default() += 1;
                    }
                }
            }
        }
        news.wiped = seen.stamps.is_wipe(lost);
        let written: usize = stamps.values().sum();
        news.alike = stamps.into_values().any(|rows| rows > 1);
        news.bulk = news.alike || (written > PAGE_VIEWS && seen.stamps.is_wipe(written));
        News { asked, odd, ..news }
    }
}

/// Whether the source differs from the one seen first.
fn differs(known: Option<&Asked>, now: Option<&Asked>) -> bool {
    matches!((known, now), (Some(known), Some(now)) if known.hashes != now.hashes)
}

/// Rows that differ from how the daemon left them. Rows of keys that no refresh has handled are left to VMS.
fn odd(seen: &SeenTable) -> HashSet<Odd> {
    let mut first: HashMap<String, &ExistingRow> = HashMap::with_capacity(seen.rows.len());
    for row in &seen.rows {
        // VMS reads the row with the lowest id of a key.
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

/// Held tables for which a refresh was queued.
///
/// If the source equals the one that a table was generated from, that is not a change, and a table that the guard
/// holds is not topped up. The watch therefore queues its refresh once the source has been restored: once, and then
/// once an hour for as long as the refresh does not succeed.
#[derive(Debug, Default)]
pub(super) struct Held {
    asked: HashSet<Table>,
}

impl Held {
    /// The held tables that the guard would let through now.
    pub(super) async fn released(
        vms: &Vms,
        config: &RefreshConfig,
        state: &State,
        seen: &Seen,
    ) -> Result<HashSet<Table>, RefreshError> {
        let held = state.guarded().await?;
        if held.is_empty() {
            return Ok(HashSet::new());
        }
        let sources: SourceSet = seen.values().flat_map(|table| table.hashes.keys()).copied().collect();
        let mut rows = BTreeMap::new();
        for source in sources {
            rows.insert(source, vms.count(source.table(), "counting the rows of the source").await?);
        }
        if suspicion(config.guard, state, &rows).await?.is_some() {
            return Ok(HashSet::new());
        }
        let is_back = |table: &Table| {
            let (Some(held), Some(seen)) = (held.get(table), seen.get(table)) else { return false };
            // Row counts do not show how much of a list remains, so the source itself must be unchanged. A
            // source that differs is reported as a change anyway.
            held.lists.is_empty() || seen.is_unchanged()
        };
        Ok(held.keys().copied().filter(is_back).collect())
    }

    /// Whether a refresh of a released table has not been queued yet.
    pub(super) fn is_news(&self, released: &HashSet<Table>, table: Table) -> bool {
        released.contains(&table) && !self.asked.contains(&table)
    }

    /// Records that a refresh of all released tables was queued. A table that is held again later may be
    /// queued again.
    pub(super) fn learn(&mut self, released: HashSet<Table>) {
        self.asked = released;
    }

    /// Forgets the queued refreshes, which may have failed, so that they are queued again. Returns whether
    /// there were any.
    pub(super) fn doubt(&mut self) -> bool {
        !std::mem::take(&mut self.asked).is_empty()
    }
}
