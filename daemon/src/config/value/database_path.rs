//! The path of a database.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

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
        if let (Ok(a), Ok(b)) = (self.0.metadata(), other.0.metadata()) {
            return (a.dev(), a.ino()) == (b.dev(), b.ino());
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
    fn parse(text: &str, around: &Surroundings) -> Result<Self, String> {
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
        Ok(Self(around.absolute(Path::new(rooted.as_deref().unwrap_or(path)))))
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}
