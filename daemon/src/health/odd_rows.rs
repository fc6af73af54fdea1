//! Reports source rows that the reports left out or read with a substitute value.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::notice;

pub(super) fn left_out(seen: &Seen) -> Option<Reason> {
    let tables: Vec<String> = seen
        .results
        .iter()
        .filter(|job| job.warnings > 0)
        .map(|job| format!("{} ({})", job.table, job.warnings))
        .collect();
    let message = format!(
        "source rows were left out or read with a substitute, and may be wanting in: {}",
        tables.join(", ")
    );
    let hint = "`cachectl logs` names the rows and what is odd about them; correct them in VMS";
    (!tables.is_empty()).then(|| notice("rows_odd", message, hint))
}
