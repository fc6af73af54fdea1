//! Checks the free disk space for the next refresh.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;
use crate::maintenance::disk_space;

pub(super) fn low(seen: &Seen) -> Option<Reason> {
    let payload: u64 = seen.tables.iter().flatten().map(|survey| survey.audit.bytes).sum();
    let tight: Vec<String> = seen
        .around
        .disks
        .iter()
        .filter_map(|disk| {
            let payload = if disk.holds_vms { payload.max(seen.estimate) } else { 0 };
            let need = disk_space::refresh_needs(payload);
            let (path, free) = (disk.path.display(), disk.free);
            (free < disk_space::comfortable(payload)).then(|| {
                format!(
                    "{path} has {} MB free, a refresh needs up to {} MB and some to spare",
                    free >> 20,
                    need >> 20
                )
            })
        })
        .collect();
    let hint = "free some space: `df -h` and `du -xh --max-depth=2 / | sort -h` show where it went";
    (!tight.is_empty()).then(|| degraded("disk_low", tight.join("; "), hint))
}
