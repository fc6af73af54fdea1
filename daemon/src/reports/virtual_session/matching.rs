//! Which district names refer to the same district: names are compared trimmed and in lower case, and through
//! the aliases of the district mapping.

use crate::reports::district::DistrictMapping;
use crate::reports::text::strip;

/// Returns a name in its form for comparison: trimmed, in lower case.
pub(super) fn normalized(name: &str) -> String {
    strip(name).to_lowercase()
}

/// The names that match one district name.
#[derive(Debug)]
pub(super) struct Matching(Vec<String>);

impl Matching {
    /// Returns the names that match `name`: itself, its aliases when it is a name of the mapping, and the
    /// names of which it is an alias. Of mapping entries with the same name, VMS reads the first one only. An
    /// empty name matches nothing.
    pub(super) fn of(name: &str, mapping: &DistrictMapping) -> Self {
        if name.is_empty() {
            return Self(Vec::new());
        }
        let wanted = normalized(name);
        let mut names = vec![wanted.clone()];
        let mut seen: Vec<String> = Vec::new();
        for district in mapping.all() {
            let canonical = normalized(&district.name);
            if seen.contains(&canonical) {
                continue;
            }
            let mut aliases = district.aliases.iter().map(|alias| normalized(alias));
            if canonical == wanted {
                names.extend(aliases);
            } else if aliases.any(|alias| alias == wanted) {
                names.push(canonical.clone());
            }
            seen.push(canonical);
        }
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// Returns the matching names, normalized.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns whether a normalized name matches.
    pub(super) fn contains(&self, normalized: &str) -> bool {
        self.0.iter().any(|name| name == normalized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_alias_match_each_other_but_two_aliases_do_not() {
        let mapping = DistrictMapping::embedded().unwrap();
        for (one, other, expected) in [
            ("Grandview School District", "Grandview", true),
            ("Grandview", " GRANDVIEW SCHOOL DISTRICT ", true),
            ("Grandview\u{1f}", "Grandview School District", true),
            ("kckps (ks)", "Kansas City Kansas Public Schools", true),
            ("KCKPS (KS)", "KANSAS CITY USD 500", false),
            ("Kansas City Kansas Public Schools", "Kansas City Public Schools (MO)", false),
            ("Raytown Quality Schools", "raytown quality schools", true),
            ("", "Grandview", false),
            ("Grandview", "", false),
            ("", "", false),
        ] {
            let matching = Matching::of(one, &mapping);
            assert_eq!(matching.contains(&normalized(other)), expected, "{one:?} {other:?}");
        }
    }
}
