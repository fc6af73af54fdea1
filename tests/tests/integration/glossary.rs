//! The glossary of the README explains every word that commands and pages print.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use cached_proto::words::{Outcome, Phase, TableState, Trigger};
use serde_json::Value;

fn project(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Returns the items of the glossary. An item explains its terms, which are bold, and words, which are code.
fn glossary() -> Vec<String> {
    let readme = project("README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Glossary")).unwrap();
    section.split("\n- ").skip(1).map(str::to_owned).collect()
}

/// The words of one enum of the vocabulary, and what they are, for example `trigger`.
#[derive(Debug)]
struct Words {
    what: String,
    words: Vec<String>,
}

/// Returns every enum of the vocabulary. Read from its source, so that an enum that is added cannot be forgotten here.
fn vocabulary() -> Vec<Words> {
    let source = project("proto/src/words.rs");
    let declarations = source.split("\nwords! {\n").skip(1);
    let read = |declaration: &str| {
        let (body, _) = declaration.split_once("\n}\n").unwrap();
        let code = body.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut quoted = code.filter_map(|line| line.split('"').nth(1).map(str::to_owned));
        Words { what: quoted.next().unwrap(), words: quoted.collect() }
    };
    declarations.map(read).collect()
}

#[test]
fn the_source_of_the_vocabulary_yields_the_words_of_its_enums() {
    fn words<W: Copy>(all: &[W], as_str: fn(W) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|&word| as_str(word)).collect()
    }
    let vocabulary = vocabulary();
    for (what, expected) in [
        ("trigger", words(Trigger::ALL, Trigger::as_str)),
        ("phase", words(Phase::ALL, Phase::as_str)),
        ("outcome", words(Outcome::ALL, Outcome::as_str)),
        ("table state", words(TableState::ALL, TableState::as_str)),
    ] {
        let found = vocabulary.iter().find(|words| words.what == what).unwrap();
        assert_eq!(found.words, expected, "{what}");
    }
}

#[test]
fn every_word_of_the_vocabulary_is_in_the_item_of_its_kind() {
    let glossary = glossary();
    for Words { what, words } in vocabulary() {
        let term = format!("**{what}**");
        let Some(item) = glossary.iter().find(|item| item.contains(&term)) else {
            panic!("README.md: the glossary has no {term}");
        };
        for word in words {
            assert!(item.contains(&format!("`{word}`")), "README.md: the glossary's {term} lacks `{word}`");
        }
    }
}

#[test]
fn every_number_of_entries_that_is_printed_is_in_the_glossary() {
    let api: Value = serde_json::from_str(&project("packaging/openapi.json")).unwrap();
    let glossary = glossary().join("\n");
    let mut counted = BTreeSet::new();
    for schema in ["TableStatus", "TableReport"] {
        let properties = api["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let is_integer = |property: &Value| property["type"].to_string().contains("\"integer\"");
        counted.extend(properties.iter().filter(|(_, property)| is_integer(property)).map(|(name, _)| name));
    }
    assert!(counted.len() > 10, "{counted:?}");
    for name in counted {
        assert!(glossary.contains(&format!("`{name}`")), "README.md: the glossary lacks `{name}`");
    }
}
