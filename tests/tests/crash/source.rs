//! A source that every refresh finds changed, so that its figures say when they were computed.

use cached_tests::vms::Other;

/// Begins the mark of a generation; all marks are equally long, so that groups stay of one size.
pub(crate) const MARK: &str = "~g";

/// Length of a mark.
pub(crate) const MARK_LENGTH: usize = 7;

/// The source, and which generation it is.
pub(crate) struct Source<'a> {
    vms: &'a Other,
    generation: u32,
}

impl<'a> Source<'a> {
    pub(crate) fn new(vms: &'a Other) -> Self {
        Self { vms, generation: 0 }
    }

    /// Makes the next generation: names and figures that stand in every payload that is not empty.
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
