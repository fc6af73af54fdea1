//! A source that changes before every refresh, so that cached figures identify when they were computed.

use cached_tests::vms::Other;

/// Prefix of a generation's mark; all marks are equally long, so that groups keep their size.
pub(crate) const MARK: &str = "~g";

/// Length of a mark.
pub(crate) const MARK_LENGTH: usize = 7;

/// The source, and its generation.
pub(crate) struct Source<'a> {
    vms: &'a Other,
    generation: u32,
}

impl<'a> Source<'a> {
    pub(crate) fn new(vms: &'a Other) -> Self {
        Self { vms, generation: 0 }
    }

    /// Creates the next generation: names and figures that occur in every payload that is not empty.
    pub(crate) fn renew(&mut self) {
        self.generation += 1;
        let mark = format!("{MARK}{:04}~", self.generation);
        let marked = |table: &str, column: &str, which: &str| {
            format!(
                "UPDATE {table} SET {column} = substr({column}, 1, instr({column} || '{MARK}', '{MARK}') - 1) \
                 || '{mark}' WHERE {which};"
            )
        };
        self.vms.execute(&format!(
            "BEGIN IMMEDIATE; {} {} {} UPDATE event_participation SET delivery_hours = {}; COMMIT",
            marked("event", "title", "1"),
            marked("contact", "last_name", "type = 'volunteer'"),
            marked("organization", "name", "1"),
            1 + self.generation % 7,
        ));
    }
}
