//! Checks the free disk space and the free inodes for the next refresh.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;
use crate::maintenance::disk_space;

/// Fewest files that can still be created before a warning is due: a night makes a journal beside either
/// database and a rotated log, and others create files, too.
const FILES: u64 = 32;

/// Reports file systems that run out of inodes, which space does not show.
pub(super) fn out_of_inodes(seen: &Seen) -> Option<Reason> {
    let disks = seen.around.disks.iter().filter_map(|disk| Some((disk.path.display(), disk.inodes?)));
    let tight: Vec<String> = disks
        .filter(|(_, inodes)| *inodes < FILES)
        .map(|(path, inodes)| format!("{path} has {inodes} inodes left: it takes no more files than that, however much space is free"))
        .collect();
    let hint = "remove files that nobody needs: `df -i` shows the file systems, `du -x --inodes / | sort -n | tail` where \
                most files are";
    (!tight.is_empty()).then(|| degraded("inodes_low", tight.join("; "), hint))
}

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
