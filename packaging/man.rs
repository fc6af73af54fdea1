//! Writes manual pages of a command line, with the sections that it does not know. Shared by the examples that write
//! those of `cached` and `cachectl`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_mangen::Man;

/// What a program's pages say beyond its command line. Each line of a list is what the reader types or looks up, and
/// what that is.
pub(crate) struct Program {
    /// The section of the manual.
    pub section: &'static str,
    /// What may be typed; a line stands on the page of its subcommand and on that of the program.
    pub examples: &'static [(&'static str, &'static str)],
    /// Files that the program reads or writes.
    pub files: &'static [(&'static str, &'static str)],
    /// Variables of the environment.
    pub environment: &'static [(&'static str, &'static str)],
    /// Exit codes.
    pub exit_status: &'static [(&'static str, &'static str)],
    /// Other pages, as `name(section)`.
    pub see_also: &'static [&'static str],
}

impl Program {
    /// Writes the page of a command and those of its subcommands.
    pub(crate) fn write(&self, command: &Command, directory: &Path) -> anyhow::Result<()> {
        // A page for `help` would say nothing, and the others must not refer to one.
        let mut command = command.clone().disable_help_subcommand(true);
        command.build();
        for (example, _) in self.examples {
            let words = example.split_whitespace();
            command.clone().try_get_matches_from(words).with_context(|| format!("the example {example}"))?;
        }
        self.pages(&command, directory)
    }

    #[expect(clippy::disallowed_methods, reason = "this program has no database open")]
    fn pages(&self, command: &Command, directory: &Path) -> anyhow::Result<()> {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let file = directory.join(format!("{name}.{}", self.section));
        let mut page = Vec::new();
        let man = Man::new(command.clone()).title(&name).section(self.section).manual("cached");
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut page)?;
        }
        page.write_all(self.more(&name).as_bytes())?;
        std::fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))?;
        command.get_subcommands().try_for_each(|inner| self.pages(inner, directory))
    }

    fn more(&self, name: &str) -> String {
        let typed = name.replace('-', " ");
        let is_of = |example: &str| {
            let bare = example.replace('-', " ");
            bare == typed || bare.starts_with(&format!("{typed} "))
        };
        let examples: Vec<_> = self.examples.iter().copied().filter(|(example, _)| is_of(example)).collect();
        let mut more = String::new();
        section(&mut more, "EXIT STATUS", self.exit_status);
        section(&mut more, "EXAMPLES", &examples);
        section(&mut more, "ENVIRONMENT", self.environment);
        section(&mut more, "FILES", self.files);
        let others = self.see_also.iter().filter(|other| other.split('(').next() != Some(name));
        let others: Vec<String> = others.map(|other| escaped(other)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(more, ".SH \"SEE ALSO\"\n{}", others.join(",\n"));
        more
    }
}

fn section(page: &mut String, title: &str, lines: &[(&str, &str)]) {
    if lines.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(page, ".SH \"{title}\"");
    for (what, meaning) in lines {
        let _ = writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(what), escaped(meaning));
    }
}

/// As roff shows it unchanged: a backslash or hyphen has a meaning, and so has a full stop or quote that begins a line.
fn escaped(text: &str) -> String {
    format!("\\&{}", text.replace('\\', "\\e").replace('-', "\\-"))
}
