//! Checks whether VMS answers requests.

use cached_proto::text::one_line;
use cached_proto::verb::health::{Reason, VmsPage};

use super::Seen;
use super::reason::degraded;

/// Response time in milliseconds from which users notice a delay.
const SLOW: u64 = 2000;

pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    let page = seen.vms_page.as_ref().filter(|page| !answers(page))?;
    let VmsPage { url, status, milliseconds, error } = page;
    let (url, error) = (one_line(url), one_line(error.as_deref().unwrap_or_default()));
    let message = match status {
        Some(status) => format!("VMS's page {url} answered with status {status} after {milliseconds} ms"),
        None => format!("VMS's page {url} did not answer: {error} (after {milliseconds} ms)"),
    };
    let hint = "look at VMS itself and at its log, `journalctl` or the web server's; if the address is wrong, \
                correct vms.probe_url";
    Some(degraded("vms_page_failed", message, hint))
}

pub(super) fn slow(seen: &Seen) -> Option<Reason> {
    let page = seen.vms_page.as_ref().filter(|page| answers(page) && page.milliseconds >= SLOW)?;
    let (url, took) = (one_line(&page.url), page.milliseconds);
    let message = format!("VMS's page {url} took {took} ms to answer; {SLOW} are already too many");
    let hint = "`top` and `cachectl jobs --running` show whether the machine is busy; `cachectl status` shows whether \
                the page's table is fresh";
    Some(degraded("vms_page_slow", message, hint))
}

/// Whether VMS answered. A redirect, for example to the login page, counts; it is not followed.
fn answers(page: &VmsPage) -> bool {
    page.status.is_some_and(|status| (200..400).contains(&status))
}
