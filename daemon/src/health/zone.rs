//! Checks that the zone of VMS is known.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;

pub(super) fn guessed(seen: &Seen) -> Option<Reason> {
    let hint = "set `timezone` below `[vms]` to the zone that VMS runs in, then `systemctl reload cached`: school years \
                and local stamps follow it";
    Some(degraded("timezone_guessed", seen.zone_doubt.clone()?, hint))
}
