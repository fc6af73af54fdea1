//! Finds the known name that was probably meant.

use super::key::Key;
use super::layers::{CONFIG, PREFIX};
use super::settings::KEYS;

/// Alternative names of variables, each with the key that it sets, as flags do.
pub(super) const ALIASES: &[(&str, &str, &str)] = &[
    ("CACHED_SOCKET", "socket", "path"),
    ("CACHED_TIMEZONE", "schedule", "timezone"),
    ("CACHED_TIMEZONE", "vms", "timezone"),
];

/// The key with exactly this name.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// Returns the keys that a variable sets; empty when the variable is unknown.
pub(super) fn by_variable(variable: &str) -> Vec<&'static Key> {
    let aliases = ALIASES.iter().filter(|(alias, ..)| *alias == variable);
    let keys = KEYS.iter().filter(|key| key.variable() == variable);
    aliases.filter_map(|(_, section, name)| find(section, name)).chain(keys).collect()
}

/// Returns the full name of the most similar key.
pub(super) fn key(section: &str, name: &str) -> String {
    let given = format!("{section}.{name}");
    let score = |key: &Key| {
        // The right name in the wrong section counts for more than similarity of the full name.
        let in_another_section = 0.9 * strsim::normalized_damerau_levenshtein(name, key.name);
        strsim::normalized_damerau_levenshtein(&given, &key.full_name()).max(in_another_section)
    };
    best(KEYS.iter().map(|key| (score(key), key.full_name())))
}

/// Returns the most similar section.
pub(super) fn section(given: &str) -> String {
    best(
        KEYS.iter()
            .map(|key| (strsim::normalized_damerau_levenshtein(given, key.section), key.section.to_owned())),
    )
}

/// Below this similarity a variable is taken for another program's, such as a script's `CACHED_HOME`.
const SIMILAR: f64 = 0.6;

/// Returns the variable that was probably meant: the most similar one, if it is similar at all or if `given` begins
/// with a section.
pub(super) fn variable(given: &str) -> Option<String> {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let aliases = ALIASES.iter().map(|(alias, ..)| (*alias).to_owned());
    let names = KEYS.iter().map(Key::variable).chain(aliases).chain([CONFIG.to_owned()]);
    let score = |name: &str| strsim::normalized_damerau_levenshtein(&bare(given), &bare(name));
    let nearest = best(names.map(|name| (score(&name), name)));
    let in_section = KEYS.iter().any(|key| {
        bare(given).strip_prefix(&key.section.to_ascii_uppercase()).is_some_and(|key| key.starts_with('_'))
    });
    (in_section || score(&nearest) >= SIMILAR).then_some(nearest)
}

/// Returns the first of the best candidates.
fn best(candidates: impl Iterator<Item = (f64, String)>) -> String {
    let better = |a: (f64, String), b: (f64, String)| if b.0 > a.0 { b } else { a };
    candidates.reduce(better).map(|(_, name)| name).unwrap_or_default()
}
