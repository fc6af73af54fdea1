//! Aligned columns without borders.

use std::fmt::Write as _;

use cached_present::Tone;
use cached_proto::text::one_line;
use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};

use crate::output::{View, color};

/// Narrowest terminal for which the table is laid out: below this width a table name would be broken inside
/// the word. A terminal that wraps whole lines reads better, and one that does not know its size (a serial
/// line) reports 0.
const NARROWEST: u16 = 60;

/// Longest word that is never broken: longer than any name of a table, shorter than what a line of free text may hold.
const LONGEST_NAME: usize = 40;

/// Spaces between two columns.
const GAP: u16 = 2;

/// A column: its title, whether its cells are numbers, and whether it is left out where the terminal is too narrow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    alignment: CellAlignment,
    is_secondary: bool,
}

impl Column {
    /// The column, left out where the terminal is too narrow for all of them.
    pub(crate) const fn secondary(self) -> Self {
        Self { is_secondary: true, ..self }
    }
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Left, is_secondary: false }
}

/// A column of numbers and quantities.
pub(crate) const fn numbers(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Right, is_secondary: false }
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

/// The listing, one line per row as far as the terminal is wide enough, with a newline at its end. Names the columns that
/// had to be left out.
pub(crate) fn render(view: &View, columns: &[Column], rows: Vec<Vec<Cell>>) -> String {
    let width = view.width.filter(|width| *width >= NARROWEST);
    let names = longest_names(columns, &rows);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Without this the library would query the real terminal, and the text would not be a function of the
    // view.
    table.force_no_tty();
    if view.style.colour {
        table.enforce_styling();
    }
    table.set_header(columns.iter().map(|column| Cell::new(column.title).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    let widths = table.column_max_content_widths();
    let shown = shown(columns, &widths, width);
    if let Some(width) = width.filter(|width| natural_width(&widths, &shown) > *width) {
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    }
    let last = shown.iter().rposition(|is_shown| *is_shown);
    let made = columns.iter().zip(table.column_iter_mut()).zip(names.into_iter().zip(&shown));
    for (index, ((column, made), (name, is_shown))) in made.enumerate() {
        let gap = if Some(index) == last { 0 } else { GAP };
        made.set_cell_alignment(column.alignment);
        made.set_padding((0, gap));
        made.set_constraint(if *is_shown {
            ColumnConstraint::LowerBoundary(Width::Fixed(name.saturating_add(gap)))
        } else {
            ColumnConstraint::Hidden
        });
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    let left_out = columns.iter().zip(&shown).filter(|(_, is_shown)| !**is_shown);
    let left_out: Vec<&str> = left_out.map(|(column, _)| column.title).collect();
    if !left_out.is_empty() {
        let _ = writeln!(text, "The terminal is too narrow for {}; `--json` has all.", left_out.join(", "));
    }
    text
}

/// Which columns are shown: as many as fit with one line per row. Of the secondary ones, the last are left out first.
fn shown(columns: &[Column], widths: &[u16], width: Option<u16>) -> Vec<bool> {
    let mut shown = vec![true; columns.len()];
    while width.is_some_and(|width| natural_width(widths, &shown) > width) {
        let shown_secondary =
            columns.iter().zip(&shown).rposition(|(column, shown)| column.is_secondary && *shown);
        match shown_secondary.and_then(|index| shown.get_mut(index)) {
            Some(last) => *last = false,
            None => break,
        }
    }
    shown
}

/// The width of a row that is one line.
fn natural_width(widths: &[u16], shown: &[bool]) -> u16 {
    let shown = widths.iter().zip(shown).filter(|(_, is_shown)| **is_shown);
    shown.fold(0_u16, |sum, (width, _)| sum.saturating_add(*width).saturating_add(GAP)).saturating_sub(GAP)
}

/// The length of the longest word of each column that must not be broken.
fn longest_names(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<u16> {
    let longest =
        |text: &str| text.split(' ').map(|word| word.chars().count()).filter(|n| *n <= LONGEST_NAME).max();
    let column = |index: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| longest(&row.get(index)?.content()));
        let longest = cells.chain(longest(column.title)).max().unwrap_or_default();
        u16::try_from(longest).unwrap_or_default()
    };
    columns.iter().enumerate().map(|(index, of)| column(index, of)).collect()
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
    fn a_name_is_never_broken_and_columns_that_do_not_fit_are_named() {
        let columns = [
            numbers("JOB"),
            words("TABLE"),
            words("OUTCOME"),
            numbers("ENTRIES").secondary(),
            numbers("TOOK").secondary(),
            words("QUEUED"),
        ];
        let row = [
            "1234",
            "first_time_volunteer_report_cache",
            "not applicable",
            "21",
            "0.41 s",
            "Sun 22 Nov 14:40 CST",
        ];
        let rendered =
            |width| render(&View { width: Some(width), ..view() }, &columns, vec![row.map(cell).to_vec()]);
        insta::assert_snapshot!(rendered(100), @r"
         JOB  TABLE                              OUTCOME         ENTRIES    TOOK  QUEUED
        1234  first_time_volunteer_report_cache  not applicable       21  0.41 s  Sun 22 Nov 14:40 CST
        ");
        insta::assert_snapshot!(rendered(80), @r"
         JOB  TABLE                              OUTCOME         QUEUED
        1234  first_time_volunteer_report_cache  not applicable  Sun 22 Nov 14:40 CST
        The terminal is too narrow for ENTRIES, TOOK; `--json` has all.
        ");
        insta::assert_snapshot!(rendered(60), @r"
         JOB  TABLE                              OUTCOME     QUEUED
        1234  first_time_volunteer_report_cache  not         Sun 22
                                                 applicable  Nov
                                                             14:40
                                                             CST
        The terminal is too narrow for ENTRIES, TOOK; `--json` has all.
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
