//! Which known name was probably meant.

use super::key::Key;
use super::layers::CONFIG;
use super::settings::KEYS;

/// Names under which variables are known besides their regular ones, with the keys that they set, as flags do.
pub(super) const ALIASES: &[(&str, &str, &str)] = &[
    ("CACHED_SOCKET", "socket", "path"),
    ("CACHED_TIMEZONE", "schedule", "timezone"),
    ("CACHED_TIMEZONE", "vms", "timezone"),
];

/// The key with exactly this name.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// The keys that a variable sets; none when it is unknown.
pub(super) fn by_variable(variable: &str) -> Vec<&'static Key> {
    let aliases = ALIASES.iter().filter(|(alias, ..)| *alias == variable);
    let keys = KEYS.iter().filter(|key| key.variable() == variable);
    aliases.filter_map(|(_, section, name)| find(section, name)).chain(keys).collect()
}

/// The full name of the key that is most like this one.
pub(super) fn key(section: &str, name: &str) -> String {
    let given = format!("{section}.{name}");
    let score = |key: &Key| {
        // The right name in the wrong section counts for more than a likeness of the whole.
        let in_another_section = 0.9 * strsim::normalized_damerau_levenshtein(name, key.name);
        strsim::normalized_damerau_levenshtein(&given, &key.full_name()).max(in_another_section)
    };
    best(KEYS.iter().map(|key| (score(key), key.full_name())))
}

/// The section that is most like this one.
pub(super) fn section(given: &str) -> String {
    best(
        KEYS.iter()
            .map(|key| (strsim::normalized_damerau_levenshtein(given, key.section), key.section.to_owned())),
    )
}

/// The variable that is most like this one.
pub(super) fn variable(given: &str) -> String {
    let aliases = ALIASES.iter().map(|(alias, ..)| (*alias).to_owned());
    let names = KEYS.iter().map(Key::variable).chain(aliases).chain([CONFIG.to_owned()]);
    best(names.map(|name| (strsim::normalized_damerau_levenshtein(given, &name), name)))
}

/// The first of the best.
fn best(candidates: impl Iterator<Item = (f64, String)>) -> String {
    let better = |a: (f64, String), b: (f64, String)| if b.0 > a.0 { b } else { a };
    candidates.reduce(better).map(|(_, name)| name).unwrap_or_default()
}
