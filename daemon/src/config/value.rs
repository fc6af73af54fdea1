//! The types of values that are more than a number or a text.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use super::process_environment::ProcessEnvironment;
use super::setting::Setting;
use crate::plain_file::FileId;

macro_rules! words {
    ($(#[doc = $doc:literal])+ $Name:ident { $( $(#[doc = $variant_doc:literal])+ $Variant:ident = $word:literal, )+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name {
            $( $(#[doc = $variant_doc])+ $Variant, )+
        }

        impl $Name {
            /// The word in the file.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$Variant => $word, )+ }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Setting for $Name {
            fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
                match text {
                    $( $word => Ok(Self::$Variant), )+
                    _ => Err(format!("must be one of {}", [$($word),+].join(", "))),
                }
            }

            fn show(&self) -> Option<toml::Value> {
                Some(toml::Value::String(self.as_str().to_owned()))
            }
        }
    };
}

words! {
    /// How faithful payloads are to VMS's own.
    Mode {
        /// VMS's payloads without the defects that break its own pages.
        Fixed = "fixed",
        /// VMS's payloads bug for bug.
        Exact = "exact",
    }
}

words! {
    /// The least severe record that is logged.
    LogLevel {
        /// Errors only.
        Error = "error",
        /// Also warnings.
        Warn = "warn",
        /// Also records for operators.
        Info = "info",
        /// Also records for developers.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// The request that the receiver of a webhook expects.
    WebhookFormat {
        /// Our own JSON.
        Json = "json",
        /// Slack's, which Mattermost and Google Chat take as well.
        Slack = "slack",
        /// Discord's.
        Discord = "discord",
        /// A card for a workflow of Power Automate, which posts it in Teams.
        Teams = "teams",
        /// Plain text with the headers of ntfy.
        Ntfy = "ntfy",
    }
}

/// Units with their sizes; a unit that ends with another one comes before it.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// A number of bytes; `KB`, `MB`, `GB` are powers of 1000 and `KiB`, `MiB`, `GiB` powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |unit: u64| self.0 >= unit && self.0.is_multiple_of(unit);
        let largest = UNITS.iter().filter(|(_, unit)| whole(*unit)).max_by_key(|(_, unit)| *unit);
        let (name, unit) = largest.copied().unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Setting for ByteSize {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let allowed = || "must be a size with its unit, such as 500KB, 20MB or 1GiB".to_owned();
        let upper = text.to_ascii_uppercase();
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| {
                upper.strip_suffix(&name.to_ascii_uppercase()).map(|number| (number, *unit))
            })
            .ok_or_else(allowed)?;
        let number = number.trim_end();
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(allowed());
        }
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).map(Self).ok_or_else(allowed)
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }

    fn compare(&self, limit: &Self) -> Option<Ordering> {
        self.partial_cmp(limit)
    }
}

/// The absolute path of a SQLite file.
///
/// It is written as a bare path or as `sqlite://PATH`, where several leading slashes count as one. No other
/// part of a URL is interpreted: no query, no percent-encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabasePath(PathBuf);

impl DatabasePath {
    /// The file.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether both are the same file, also through links where the file system can resolve them.
    pub fn is_same_file(&self, other: &Self) -> bool {
        if let (Ok(one), Ok(other)) = (FileId::at(&self.0), FileId::at(&other.0)) {
            return one == other;
        }
        resolved(&self.0) == resolved(&other.0)
    }
}

/// The path with the links of its directory followed, for files that do not exist yet.
fn resolved(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}

impl fmt::Display for DatabasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Setting for DatabasePath {
    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String> {
        const ALLOWED: &str = "must be the path of a SQLite file, with or without sqlite:// in front";
        let lower = text.to_ascii_lowercase();
        // VMS's own settings may name a driver, too: postgresql+psycopg2.
        let scheme = lower.split_once(':').map_or("", |(scheme, _)| scheme);
        if ["postgres", "postgresql"].contains(&scheme.split('+').next().unwrap_or_default()) {
            return Err(format!("PostgreSQL is not supported yet; {ALLOWED}"));
        }
        let path = if lower.starts_with("sqlite://") {
            let path = text.get("sqlite://".len()..).unwrap_or_default();
            if path.contains('?') {
                return Err(format!("options after \"?\" are not supported; {ALLOWED}"));
            }
            path
        } else if text.contains("://") || lower.starts_with("sqlite:") || text == ":memory:" {
            return Err(ALLOWED.to_owned());
        } else {
            text
        };
        // Otherwise a directory or an empty path would only be noticed when the file is opened.
        if path.is_empty() || path.ends_with('/') || path.contains('\0') || path == ":memory:" {
            return Err(ALLOWED.to_owned());
        }
        let rooted = path.strip_prefix('/').map(|rest| format!("/{}", rest.trim_start_matches('/')));
        Ok(Self(environment.absolute(Path::new(rooted.as_deref().unwrap_or(path)))))
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}

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
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let mut words = split(text)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or("must begin with the program to start")?;
        Ok(Self { text: text.to_owned(), program, arguments: words.collect() })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.text.clone()))
    }
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (_, '\0') => return Err("must not contain a null character".to_owned()),
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                let next = chars.next().ok_or("ends with a backslash that escapes nothing")?;
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

/// Most addresses of a key, longest address and longest part before its `@`, in bytes.
const MOST_ADDRESSES: usize = 20;
const LONGEST_ADDRESS: usize = 254;
const LONGEST_USER: usize = 64;

/// The addresses that a mail is for, at least one. Each is a plain `user@host` or a user of this machine, and can neither
/// end a line of a header nor be taken for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients(Vec<String>);

impl Recipients {
    /// The addresses.
    pub fn addresses(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl Setting for Recipients {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let addresses: Vec<String> = text.split(',').map(|address| address.trim().to_owned()).collect();
        if addresses.len() > MOST_ADDRESSES {
            return Err(format!("must be at most {MOST_ADDRESSES} addresses; use the address of a list"));
        }
        if addresses.iter().all(|address| is_address(address)) {
            Ok(Self(addresses))
        } else {
            Err("must be plain mail addresses, separated by commas, such as office@example.org".to_owned())
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}

fn is_address(text: &str) -> bool {
    let (user, host) = text.split_once('@').map_or((text, None), |(user, host)| (user, Some(host)));
    let is_user = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    let is_host = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && !label.starts_with('-') && label.chars().all(allowed)
    };
    let is_short = user.len() <= LONGEST_USER && text.len() <= LONGEST_ADDRESS;
    let is_option = user.starts_with('-');
    is_short
        && !is_option
        && user.split('.').all(is_user)
        && host.is_none_or(|host| host.split('.').all(is_host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SystemZone;

    fn recipients(text: &str) -> Result<Recipients, String> {
        let environment = ProcessEnvironment {
            env: std::collections::BTreeMap::new(),
            cwd: "/".into(),
            uid: 1000,
            now: chrono::DateTime::UNIX_EPOCH,
            instance: crate::config::Instance::default(),
            system_zone: SystemZone::linked("America/Chicago"),
            default_file: "/nonexistent".into(),
        };
        Recipients::parse(text, &environment)
    }

    #[test]
    fn recipients_are_plain_addresses_or_local_users_separated_by_commas() {
        for (text, shown) in [
            ("office@example.org", "office@example.org"),
            (" a.b+cached@x-y.example , root ", "a.b+cached@x-y.example, root"),
            ("o'neil@localhost", "o'neil@localhost"),
        ] {
            assert_eq!(recipients(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_could_be_a_second_header_an_option_or_a_command_is_no_recipient() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "a@b.example\nBcc: all@b.example",
            "a@b.example\r\n\r\nhello",
            "a@b.example,",
            ",a@b.example",
            "a@b.example b@b.example",
            "Office <a@b.example>",
            "-oQ/tmp@b.example",
            "-f root",
            "|/bin/sh@b.example x",
            "a@b@c",
            "a..b@c",
            ".a@c",
            "a@",
            "@c",
            "a@c..d",
            "a@-c",
            "\u{fc}@b.example",
            "a@b.example\0",
            &long,
        ] {
            let error = recipients(text).unwrap_err();
            assert!(error.contains("such as office@example.org"), "{text:?}: {error}");
        }
        assert!(recipients(&vec!["a@b.example"; 20].join(",")).is_ok());
        assert!(recipients(&vec!["a@b.example"; 21].join(",")).unwrap_err().contains("at most 20"));
    }

    #[test]
    fn a_command_is_split_at_white_space_outside_quotes() {
        for (text, expected) in [
            ("/usr/bin/mail", &["/usr/bin/mail"][..]),
            ("  mail\t-s  x ", &["mail", "-s", "x"]),
            (r#"mail -s "cached is 'unwell'" root"#, &["mail", "-s", "cached is 'unwell'", "root"]),
            (r#"a 'b "c" \d' e\ f"#, &["a", r#"b "c" \d"#, "e f"]),
            (r#"a "" b"c"d "\"\\""#, &["a", "", "bcd", r#""\"#]),
            (r"echo '$HOME | > *' \$5", &["echo", "$HOME | > *", "$5"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn an_invalid_command_is_refused_with_a_hint() {
        for (text, expected) in [
            ("mail 'root", "never closes"),
            ("mail \\", "backslash"),
            ("mail root | tee log", "without a shell"),
            ("curl $URL", "without a shell"),
            ("a\0b", "null"),
        ] {
            let error = split(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
