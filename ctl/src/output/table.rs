//! Aligned columns without borders.

use cached_present::Tone;
use cached_proto::text::one_line;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::output::{View, color};

/// Narrowest terminal for which the table is laid out: below this width a table name would be broken inside
/// the word. A terminal that wraps whole lines reads better, and one that does not know its size (a serial
/// line) reports 0.
const NARROWEST: u16 = 60;

/// A column: its title, and whether its cells are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    alignment: CellAlignment,
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Left }
}

/// A column of numbers and quantities.
pub(crate) const fn numbers(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Right }
}

/// A cell of any text, which becomes one line here so that no caller can forget it.
pub(crate) fn cell(text: impl AsRef<str>) -> Cell {
    Cell::new(one_line(text.as_ref()))
}

/// A cell in the colour of its tone.
pub(crate) fn toned((text, tone): (impl AsRef<str>, Tone)) -> Cell {
    match color(tone) {
        Some(color) => cell(text).fg(color),
        None => cell(text),
    }
}

/// The listing, one line per row as far as the terminal is wide enough, with a newline at its end.
pub(crate) fn render(view: &View, columns: &[Column], rows: Vec<Vec<Cell>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Without this the library would query the real terminal, and the text would not be a function of the
    // view.
    table.force_no_tty();
    if view.style.colour {
        table.enforce_styling();
    }
    if let Some(width) = view.width.filter(|width| *width >= NARROWEST) {
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(columns.iter().map(|column| Cell::new(column.title).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    let last = columns.len().saturating_sub(1);
    for (index, (column, made)) in columns.iter().zip(table.column_iter_mut()).enumerate() {
        made.set_cell_alignment(column.alignment);
        made.set_padding((0, if index == last { 0 } else { 2 }));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HOSTILE, view};

    fn rendered(width: Option<u16>) -> String {
        let tables = "district_year_end_reports, organization_detail_cache, dia_events_report_cache";
        let rows =
            vec![vec![cell("7"), cell("failed"), cell(tables)], vec![cell("12"), cell(HOSTILE), cell("-")]];
        render(&View { width, ..view() }, &[numbers("RUN"), words("OUTCOME"), words("TABLES")], rows)
    }

    #[test]
    fn numbers_are_aligned_right_and_hostile_text_stays_on_one_line() {
        insta::assert_snapshot!(rendered(None), @r"
        RUN  OUTCOME                                        TABLES
          7  failed                                         district_year_end_reports, organization_detail_cache, dia_events_report_cache
         12  all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end  -
        ");
    }

    #[test]
    fn long_text_wraps_between_words() {
        insta::assert_snapshot!(rendered(Some(100)), @r"
        RUN  OUTCOME                                        TABLES
          7  failed                                         district_year_end_reports,
                                                            organization_detail_cache,
                                                            dia_events_report_cache
         12  all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end  -
        ");
    }

    #[test]
    fn a_terminal_that_is_too_narrow_gets_full_lines() {
        for width in [0, 1, 59] {
            assert_eq!(rendered(Some(width)), rendered(None), "{width} columns");
        }
    }

    #[test]
    fn a_table_without_rows_is_its_header() {
        assert_eq!(render(&view(), &["TABLE", "STATE"].map(words), Vec::new()), "TABLE  STATE\n");
    }
}
