//! Commands to start.

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

/// Characters that only a shell interprets.
const SHELL_ONLY: &[char] = &['|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?', '~'];

/// A program with its arguments. It is started without a shell: words are separated by white space, quotes
/// and backslashes keep one together, and no other character has a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: String,
    program: String,
    arguments: Vec<String>,
}

impl CommandLine {
    /// The program: a path, or a name that is looked up in the system's directories.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments of the program.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl Setting for CommandLine {
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
        let mut words = words(text)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or("must begin with the program to start")?;
        Ok(Self { text: text.to_owned(), program, arguments: words.collect() })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.text.clone()))
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (_, '\0') => return Err("must not contain a null character".to_owned()),
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                let next = chars.next().ok_or("ends with a backslash that stands before nothing")?;
                word.get_or_insert_default().push(next);
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                // A pair of quotes with nothing in it is a word, too.
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) if SHELL_ONLY.contains(&c) => {
                return Err(format!(
                    "is started without a shell, to which alone {c} means something; put the command into a \
                     script and name that, or quote the word"
                ));
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("opens a quote with {open} and never closes it"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_white_space_separates_and_quotes_hold_together() {
        for (text, expected) in [
            ("/usr/bin/mail", &["/usr/bin/mail"][..]),
            ("  mail\t-s  x ", &["mail", "-s", "x"]),
            (r#"mail -s "cached is 'unwell'" root"#, &["mail", "-s", "cached is 'unwell'", "root"]),
            (r#"a 'b "c" \d' e\ f"#, &["a", r#"b "c" \d"#, "e f"]),
            (r#"a "" b"c"d "\"\\""#, &["a", "", "bcd", r#""\"#]),
            (r"echo '$HOME | > *' \$5", &["echo", "$HOME | > *", "$5"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_with_what_to_do() {
        for (text, told) in [
            ("mail 'root", "never closes"),
            ("mail \\", "backslash"),
            ("mail root | tee log", "without a shell"),
            ("curl $URL", "without a shell"),
            ("a\0b", "null"),
        ] {
            let error = words(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
