//! Keywords of events, and keyword files that are rejected.

use super::{BUILT_IN, Keywords, Subject};
use crate::reports::testing::planned;
use crate::snapshot::Event;

fn derive(event: &Event, skills: &[&str]) -> Vec<String> {
    let keywords = Keywords::embedded().unwrap();
    keywords.derive(Subject { event, skills }).into_iter().map(Into::into).collect()
}

fn subject(kind: Option<&str>, format: &str, title: &str) -> Event {
    let title = Some(title.into());
    Event { title, format: Some(format.into()), ..planned(1, kind, "2026-03-20 09:00:00.000000") }
}

#[test]
fn an_event_with_all_fields_has_keywords_of_every_category() {
    let location = Some("Kansas City Downtown".into());
    let event = Event { location, ..subject(Some("CAREER_SPEAKER"), "IN_PERSON", "Painting Career in Art") };
    let expected = [
        &["paint", "painting"][..],
        &[
            "career",
            "professional development",
            "leadership",
            "industry",
            "expertise",
            "experience",
            "mentoring",
        ],
        &["in-person", "onsite", "face-to-face"],
        &["urban", "city", "downtown"],
        &["career guidance", "industry knowledge", "workplace insights"],
        &["artistic", "creativity", "visual arts", "design"],
    ];
    assert_eq!(derive(&event, &[]), expected.concat());
}

#[test]
fn a_session_without_derived_keywords_gets_title_words_or_universal_ones() {
    let session = |title: &str| derive(&subject(Some("VIRTUAL_SESSION"), "VIRTUAL", title), &[]);
    for (title, expected) in [
        ("Zig: the (zag) of Zug, zig", &["zig", "zag", "zug"][..]),
        ("one two three four five six", &["one", "two", "three", "four", "five"]),
        (
            "Zig zag zug of money",
            &["zig", "zag", "zug", "money", "financial", "economics", "money management", "investment"],
        ),
        ("to of an by", &["volunteer", "event", "participation"]),
        ("ab é! ÇA (x)", &["volunteer", "event", "participation"]),
        ("Été \u{c9}co 12 0!", &["été", "éco"]),
    ] {
        assert_eq!(session(title), expected, "{title}");
    }
}

#[test]
fn the_length_of_the_title_is_measured_in_words() {
    let session = |title: &str| derive(&subject(Some("VIRTUAL_SESSION"), "VIRTUAL", title), &[]);
    let (long, short) = (["detailed"], ["focused"]);
    assert_eq!(session("a b c d e f g h i")[..1], long);
    assert_eq!(session("x y z")[..1], short);
    assert_eq!(session("")[..1], short);
    assert_eq!(session("x\u{a0}y\tz\u{1e}w"), ["volunteer", "event", "participation"]);
}

#[test]
fn categories_add_up() {
    for (event, skills, wanted, unwanted) in [
        // Levels are found inside words, tools only as words.
        (subject(None, "VIRTUAL", "misleading mysql facts here"), &[][..], "lead", "sql"),
        // A domain gives its first three terms.
        (subject(None, "VIRTUAL", "x tech software programming coding y"), &[], "programming", "coding"),
        // An event without a known type has keywords of its format.
        (subject(Some("NEWTYPE"), "VIRTUAL", "x y z w"), &[], "remote", "onsite"),
        (subject(Some("VIRTUAL_SESSION"), "VIRTUAL", "x y z"), &[], "focused", "remote"),
        // The first matching audience is used; its name is a keyword.
        (subject(None, "VIRTUAL", "advanced basics for x"), &[], "beginner", "intermediate"),
        (subject(None, "VIRTUAL", "open to all x y"), &[], "all_levels", "beginner"),
        // The first subject wins.
        (subject(None, "VIRTUAL", "the art of math x"), &[], "visual arts", "stem"),
        (subject(None, "VIRTUAL", "x y z w"), &["Ünï CODE", ""], "ünï code", ""),
    ] {
        let keywords = derive(&event, skills);
        let has = |word: &str| keywords.iter().any(|keyword| keyword == word);
        assert!(has(wanted) && !has(unwanted), "{:?}: {keywords:?}", event.title);
    }
}

#[test]
fn the_description_is_read_for_words_and_context_but_not_for_patterns() {
    let described = |description: Option<&str>| {
        let description = description.map(Into::into);
        derive(&Event { description, ..subject(Some("VIRTUAL_SESSION"), "VIRTUAL", "x y z w") }, &[])
    };
    let keywords = described(Some("How to inspire an engineer"));
    // A text that ends in `r` has the tool `r` at its end.
    assert_eq!(keywords, ["engineer", "r", "motivational", "inspirational", "engaging", "dynamic"]);
    assert_eq!(described(None), described(Some("")));
}

#[test]
fn a_subject_adds_only_what_no_other_category_has() {
    let event = subject(Some("CAREER_FAIR"), "IN_PERSON", "a career day with us");
    let keywords = derive(&event, &["Business"]);
    assert_eq!(keywords[0], "business", "skills come before the type");
    assert_eq!(keywords.iter().filter(|word| *word == "business").count(), 1);
    assert_eq!(keywords[keywords.len() - 2..], ["workplace", "career development"]);
}

#[test]
fn a_content_only_type_has_neither_type_nor_format_keywords() {
    let event = subject(Some("CAREER_FAIR"), "IN_PERSON", "x y z w");
    assert!(derive(&event, &[]).starts_with(&["career".to_owned()]));
    let content_only = BUILT_IN.replacen("[\"VIRTUAL_SESSION\"]", "[\"CAREER_FAIR\"]", 1);
    let keywords = Keywords::parse(&content_only).unwrap();
    let derived = keywords.derive(Subject { event: &event, skills: &[] });
    assert_eq!(derived, ["volunteer", "event", "participation"]);
}

#[test]
fn the_built_in_file_is_valid() {
    Keywords::embedded().unwrap();
}

#[test]
fn comments_and_unused_keys_do_not_change_the_canonical_text() {
    let embedded = Keywords::embedded().unwrap();
    let kept = |line: &&str| {
        !["source =", "value =", "connector_", "boost_format ="].iter().any(|start| line.starts_with(start))
    };
    let shorter = BUILT_IN.lines().filter(kept).collect::<Vec<_>>().join("\n");
    assert!(shorter.len() < BUILT_IN.len());
    assert_eq!(Keywords::parse(&shorter).unwrap().canonical_text(), embedded.canonical_text());
}

#[test]
fn an_invalid_file_is_refused_with_the_entry_and_the_reason() {
    for (good, bad, message) in [
        (
            "schema_version = 1",
            "schema_version = 2\nnovelty = 1",
            "schema_version is 2; this version reads 1",
        ),
        ("schema_version = 1", "", "schema_version"),
        ("[complexity]", "[complexity]\nmedium = 3", "unknown field `medium`"),
        ("candidate_limit = 2000", "candidate_limit = 0", "scoring.candidate_limit: must be at least 1"),
        ("candidate_limit = 2000", "candidate_limit = -1", "candidate_limit"),
        ("max_words = 5", "max_words = 0", "fallback.max_words: must be at least 1"),
        ("same_type = 1.0", "same_type = nan", "scoring.same_type: points must be"),
        ("local = 0.2", "local = -0.2", "scoring.locality: points must be"),
        ("max_days = 180", "max_days = 90", "scoring.recency: max_days must rise"),
        ("min_events = 5", "min_events = 10", "scoring.frequency: min_events must fall"),
        ("\"Recent activity\"", "\"Recent ({n})\"", "scoring.text.recency_reason: has a placeholder"),
        ("\"Recent activity\"", "\"Recent {days}\"", "{days} is not a placeholder"),
        ("{salesforce_id}/view", "view", "dia.salesforce_event_url: lacks {salesforce_id}"),
        ("name = \"P2T\"", "name = \"BFI\"", "event_type \"BFI\": appears twice"),
        ("[\"VIRTUAL_SESSION\"]", "[\"VIRTUAL\"]", "content_only_types \"VIRTUAL\": is not among"),
        ("\"software\"", "\"Software\"", "text.domain \"technology\" terms: \"Software\" is not lower case"),
        ("\"software\"", "\"\"", "text.domain \"technology\" terms: a word is empty"),
        ("\"how to\"", "\"How to\"", "pattern 1 (\"skill_development\") triggers: \"How to\" is not"),
        ("[\"rural\", \"country\"]\nkeywords", "[]\nkeywords", "location 3: has no triggers"),
        ("[\"rural\", \"country\"]\n\n", "[]\n\n", "location 3: has no keywords"),
        ("name = \"beginner\"", "name = \"Beginner\"", "audience.level \"Beginner\": \"Beginner\" is not"),
        ("[\"volunteer\", \"event\", \"participation\"]", "[]", "fallback.universal: is empty"),
        ("\"fallback_text\", ", "", "flatten.order: a category is missing"),
        ("\"fallback_text\", ", "\"text\", ", "flatten.order: a category appears twice"),
        ("\"fallback_text\", ", "\"custom\", ", "unknown variant `custom`"),
        ("\"Data Ethics Speaker\"", "\"\"", "dia.title_phrases: a phrase is empty"),
        (
            "salesforce_id_prefix = \"00\"",
            "salesforce_id_prefix = \"\"",
            "dia.salesforce_id_prefix: is empty",
        ),
    ] {
        assert!(BUILT_IN.contains(good), "{good}");
        let error = Keywords::parse(&BUILT_IN.replacen(good, bad, 1)).unwrap_err().to_string();
        assert!(error.contains(message), "{good} -> {bad}: {error}");
    }
}
