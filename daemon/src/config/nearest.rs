//! Which known name was probably meant.

use super::key::Key;
use super::settings::KEYS;

/// Names under which a variable is known besides its regular one.
pub(super) const ALIASES: &[(&str, &str, &str)] = &[("CACHED_SOCKET", "socket", "path")];

/// The key with exactly this name.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// The key that a variable sets.
pub(super) fn by_variable(variable: &str) -> Option<&'static Key> {
    if let Some((_, section, name)) = ALIASES.iter().find(|(alias, ..)| *alias == variable) {
        return find(section, name);
    }
    KEYS.iter().find(|key| key.variable() == variable)
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
    let names = KEYS.iter().map(Key::variable).chain(aliases);
    best(names.map(|name| (strsim::normalized_damerau_levenshtein(given, &name), name)))
}

/// The first of the best.
fn best(candidates: impl Iterator<Item = (f64, String)>) -> String {
    let better = |a: (f64, String), b: (f64, String)| if b.0 > a.0 { b } else { a };
    candidates.reduce(better).map(|(_, name)| name).unwrap_or_default()
}
