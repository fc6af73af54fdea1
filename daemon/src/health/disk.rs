//! Whether there is room for the next refresh.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;

/// Room that must be left in any case: for the state database, its log, and what else lives there.
const ALWAYS: u64 = 64 << 20;

pub(super) fn low(seen: &Seen) -> Option<Reason> {
    let payload: u64 = seen.tables.iter().flatten().map(|survey| survey.audit.bytes).sum();
    let tight: Vec<String> = seen
        .around
        .disks
        .iter()
        .filter_map(|disk| {
            // All payloads anew, and once more in SQLite's write-ahead log until that is folded in.
            let need = ALWAYS + if disk.holds_vms { payload.saturating_mul(2) } else { 0 };
            let (path, free) = (disk.path.display(), disk.free);
            (free < need).then(|| {
                format!("{path} has {} MB free, a refresh needs up to {} MB", free >> 20, need >> 20)
            })
        })
        .collect();
    let hint = "free some space: `df -h` and `du -xh --max-depth=2 / | sort -h` show where it went";
    (!tight.is_empty()).then(|| degraded("disk_low", tight.join("; "), hint))
}
