//! The administrator's account and the import log that a running VMS would have.

use super::calendar::{self, Calendar};
use super::random::Random;
use super::row;
use super::world::{World, next_id};
use chrono::{Days, TimeDelta};

/// Adds an administrator account that cannot be logged in to, and two weeks of nightly imports.
pub(super) fn build(seed: u64, calendar: &Calendar, world: &mut World) {
    let opened = calendar::stamp(calendar::at_quarter(calendar.first(), 32));
    world.users.push(row::User {
        id: 1,
        username: "admin",
        email: "admin@example.org",
        // No hash function produces this value, so no password matches.
        password_hash: "!",
        first_name: "Demo",
        last_name: "Administrator",
        security_level: 3,
        scope_type: "global",
        is_active: true,
        created_at: opened.clone(),
        updated_at: opened,
    });
    let mut random = Random::stream(seed, "imports");
    for nights_ago in (1..=14).rev() {
        let Some(night) = calendar.now.date().checked_sub_days(Days::new(nights_ago)) else { continue };
        for (kind, minutes) in [("organizations", 0), ("volunteers", 6), ("events_and_participants", 20)] {
            let started = calendar::at_quarter(night, 12) + TimeDelta::minutes(minutes);
            let ended = started + TimeDelta::seconds(i64::from(random.between(40, 290)));
            let failed = if random.percent(8) { random.between(1, 5) } else { 0 };
            world.sync_logs.push(row::SyncLog {
                id: next_id(&world.sync_logs),
                sync_type: kind,
                started_at: calendar::stamp(started),
                completed_at: calendar::stamp(ended),
                status: if failed > 0 { "partial" } else { "success" },
                records_processed: random.between(5, 120),
                records_failed: failed,
                records_skipped: 0,
                last_sync_watermark: calendar::stamp(started),
                recovery_buffer_hours: 1,
                is_delta_sync: true,
            });
        }
    }
}
