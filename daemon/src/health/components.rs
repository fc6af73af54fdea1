//! Checks whether all parts of the daemon itself work.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;
use crate::supervise::{LOCK, SOCKET};

pub(super) fn socket_lost(seen: &Seen) -> Option<Reason> {
    let fault = seen.faults.iter().find(|fault| fault.component == SOCKET)?;
    let message = format!("the control socket is lost: {}", fault.what);
    let hint = "look at its directory with `ls -ld` and make it again if it is gone; the daemon tries again every 10 \
                seconds, and refreshes go on meanwhile";
    Some(degraded("socket_lost", message, hint))
}

pub(super) fn lock_lost(seen: &Seen) -> Option<Reason> {
    let fault = seen.faults.iter().find(|fault| fault.component == LOCK)?;
    let message = format!("the lock of the state is lost: {}", fault.what);
    let hint = "look at the rights of the directory with `ls -ld` and at the free space with `df -h`; the daemon looks \
                every 10 seconds";
    Some(degraded("lock_lost", message, hint))
}

pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    let others = seen.faults.iter().filter(|fault| ![SOCKET, LOCK].contains(&fault.component));
    let what: Vec<String> = others.map(|fault| format!("{}: {}", fault.component, fault.what)).collect();
    let message = format!("parts of the daemon do not work ({})", what.join("; "));
    let hint = "they are tried again by themselves, and refreshes go on meanwhile; `cachectl logs` says more";
    (!what.is_empty()).then(|| degraded("component_failed", message, hint))
}
