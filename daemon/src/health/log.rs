//! Checks whether the log file can be written.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;
use crate::telemetry::ComplaintCause;

pub(super) fn unwritable(seen: &Seen) -> Option<Reason> {
    let complaint = seen.around.log.as_ref()?;
    let hint = match complaint.cause {
        ComplaintCause::Link => {
            "remove the link, which is not followed, since whoever may write to the directory could lead it anywhere: set \
             `log.dir` to the directory that shall hold the log, or to \"\" to have the journal only, `journalctl -u cached`"
        }
        ComplaintCause::NoInodes => {
            "remove files that nobody needs: `df -i` shows that the file system takes no more of them; the journal has what \
             the file lacks: `journalctl -u cached`"
        }
        ComplaintCause::Other => {
            "look at the free space with `df -h`, and at the rights of the directory with `ls -ld`; the journal has what the \
             file lacks: `journalctl -u cached`"
        }
    };
    Some(degraded("log_unwritable", complaint.message.clone(), hint))
}
