//! Checks whether the log file can be written.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;

pub(super) fn unwritable(seen: &Seen) -> Option<Reason> {
    let complaint = seen.around.log.as_ref()?;
    let hint = "look at the free space with `df -h`, and at the rights of the directory with `ls -ld`; the journal \
                has what the file lacks: `journalctl -u cached`";
    Some(degraded("log_unwritable", complaint.clone(), hint))
}
