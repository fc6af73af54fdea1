//! Renders the effective configuration.

use std::fmt::Write as _;

use cached_proto::text::one_line;

use super::key::Key;
use super::settings::{Config, KEYS};
use super::text;

impl Config {
    /// The effective configuration as TOML, each value with a comment that says where it came from.
    /// Secrets are hidden; keys that have no effect are commented out.
    pub fn render(&self) -> String {
        let mut page = String::new();
        let mut section = "";
        for (key, value) in KEYS.iter().zip(self.shown()) {
            if key.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = key.section;
                // Writing to a String cannot fail.
                let _ = writeln!(page, "{gap}[{section}]");
            }
            let value = match value {
                Some(_) if key.is_secret() => format!("\"{}\"", text::HIDDEN),
                Some(value) => one_line(&value.to_string()).into_owned(),
                None => "\"\"".to_owned(),
            };
            let mark = if self.is_replaced_by_cron(key) { "# " } else { "" };
            let origin = self.origin(key.section, key.name).to_string();
            let _ = writeln!(page, "{mark}{} = {value} # {}", key.name, one_line(&origin));
        }
        page
    }

    fn is_replaced_by_cron(&self, key: &Key) -> bool {
        self.schedule.cron.is_some()
            && key.section == "schedule"
            && matches!(key.name, "refresh_time" | "refresh_interval_hours")
    }
}
