//! The documents are complete: every health reason, every verb, every key of the web side; and their links lead somewhere.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use cached::config::Config;
use cached::health::ReasonCode;
use cached_tests::binary::{cachectl, run};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn document(path: &str) -> String {
    read_to_string(project(path)).unwrap()
}

/// Returns the paths of all documents for operators and contributors.
fn documents() -> Vec<String> {
    let inside = |directory: &str| {
        let paths = read_dir(project(directory)).unwrap().map(|entry| entry.unwrap().path());
        let documents = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        documents.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let packaging = inside("packaging").into_iter().map(|name| format!("packaging/{name}"));
    inside("").into_iter().chain(packaging).collect()
}

/// Returns the anchors of a document: those that its headings have on the usual web pages.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    headings.map(anchor).collect()
}

/// Returns the codes that the tables of the runbook explain: rows that begin with one.
fn codes_of_the_runbook() -> BTreeSet<String> {
    let runbook = document("packaging/RUNBOOK.md");
    let section = runbook.split("\n## ").find(|section| section.starts_with("Health reasons")).unwrap();
    let code = |line: &str| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code.to_owned());
    section.lines().filter_map(code).collect()
}

#[test]
fn every_health_reason_is_explained_and_no_other() {
    let given = ReasonCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(codes_of_the_runbook(), given);
}

#[test]
fn every_verb_in_the_documents_exists() {
    let help = run(cachectl().arg("--help")).stdout;
    let (_, commands) = help.split_once("Commands:").unwrap();
    let exists: BTreeSet<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for path in documents() {
        let text = document(&path);
        for typed in ["`cachectl ", "$ cachectl ", "# cachectl "] {
            for rest in text.split(typed).skip(1) {
                let verb = rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap();
                assert!(exists.contains(verb), "{path} has `cachectl {verb}`");
            }
        }
    }
}

#[test]
fn every_key_of_the_web_side_is_in_its_document() {
    let web = document("packaging/WEB.md");
    for key in Config::keys().iter().filter(|key| key.section == "http") {
        assert!(web.contains(&format!("| `{}` |", key.name)), "http.{}", key.name);
    }
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let documents = documents();
    assert!(documents.len() > 6, "{documents:?}");
    for path in documents {
        let text = document(&path);
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { project(&path) } else { project(&path).parent().unwrap().join(file) };
            assert!(target.exists(), "{path} refers to {link}");
            let has_heading = || anchors(&read_to_string(&target).unwrap()).contains(anchor);
            assert!(anchor.is_empty() || has_heading(), "{path} refers to {link}");
        }
    }
}
