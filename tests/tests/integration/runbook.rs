//! The documents for operators are complete: every health reason, every verb, every key of the web side.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use cached::config::Config;
use cached::health::ReasonCode;
use cached_tests::binary::{cachectl, run};

const DOCUMENTS: [&str; 3] = ["README.md", "packaging/README.md", "packaging/RUNBOOK.md"];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn document(path: &str) -> String {
    read_to_string(project(path)).unwrap()
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
    for path in DOCUMENTS {
        let text = document(path);
        for typed in ["`cachectl ", "$ cachectl ", "# cachectl "] {
            for rest in text.split(typed).skip(1) {
                let verb = rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap();
                assert!(exists.contains(verb), "{path} has `cachectl {verb}`");
            }
        }
    }
}

#[test]
fn every_key_of_the_web_side_is_in_the_readme() {
    let readme = document("README.md");
    for key in Config::keys().iter().filter(|key| key.section == "http") {
        assert!(readme.contains(&format!("| `{}` |", key.name)), "http.{}", key.name);
    }
}
