//! The table listing of `status`, and the problems of the tables.

use std::fmt::Write as _;

use cached_proto::speech::lacks;
use cached_proto::text::one_line;
use cached_proto::verb::status::{StatusReply, TableStatus};
use comfy_table::Cell;

use crate::output::style::spoken;
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, bytes, table, time};

/// Renders one row per table. Problems are counted in the text below the listing, so that it fits 80 columns.
pub(super) fn listing(reply: &StatusReply, view: &View) -> String {
    let wide = view.is_wide();
    let sizes = reply.tables.iter().any(|table| table.bytes.is_some());
    let mut columns = vec![words("TABLE"), words("STATE"), numbers("FRESH"), numbers("OLDEST")];
    if wide {
        columns.insert(0, words("TYPE"));
        columns.extend([numbers("NEWEST"), numbers("UNMANAGED")]);
    }
    if sizes {
        columns.push(numbers("SIZE"));
    }
    let rows = reply.tables.iter().map(|table| row(table, wide, sizes, view)).collect();
    table::render(view, &columns, rows)
}

fn row(table: &TableStatus, wide: bool, sizes: bool, view: &View) -> Vec<Cell> {
    let age = |at: Option<_>| cell(at.map_or("-".to_owned(), |at| time::age(at, view)));
    let mut row = vec![
        cell(table.table.as_str()),
        toned((spoken(table.state.as_str()), table.state.into())),
        cell(if table.expected == 0 {
            "-".to_owned()
        } else {
            format!("{}/{}", table.fresh, table.expected)
        }),
        age(table.oldest),
    ];
    if wide {
        row.insert(0, cell(table.cache_type.as_str()));
        row.extend([age(table.newest), cell(table.unmanaged.to_string())]);
    }
    if sizes {
        row.push(cell(table.bytes.map_or("-".to_owned(), bytes)));
    }
    row
}

/// Renders one line per problem, or per reason why a table is not judged.
pub(super) fn problems(reply: &StatusReply) -> String {
    let mut text = String::new();
    for table in &reply.tables {
        if let Some(counts) = lacks(table) {
            let _ = writeln!(text, "{}: {counts}", table.table);
        }
        if let Some(reason) = &table.note {
            let _ = writeln!(text, "{}: {}", table.table, one_line(reason));
        }
        // The reason why a table is held back is also its last error.
        let error = table.last_error.as_ref().filter(|error| table.note.as_ref() != Some(error));
        if let Some(error) = error {
            let _ = writeln!(text, "{}: last error: {}", table.table, one_line(error));
        }
    }
    text
}
