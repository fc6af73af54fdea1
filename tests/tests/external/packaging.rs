//! The files that a package consists of can be built.

use std::process::Command;

use cached_tests::binary::{path, run};

#[test]
fn man_pages_and_completions_are_generated_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    for program in ["examples/cached-pages", "examples/cachectl-pages"] {
        let ran = run(Command::new(path(program)).arg(directory.path()));
        assert_eq!(ran.code, Some(0), "{program}: {ran:?}");
    }
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let pages = [
        "cached.8",
        "cached-run.8",
        "cached-refresh.8",
        "cached-check.8",
        "cachectl.1",
        "cachectl-refresh.1",
    ];
    for page in pages {
        assert!(read(page).contains(".SH NAME"), "{page}");
    }
    let keys = read("cached.toml.5");
    assert!(keys.contains(".B schedule.refresh_time") && keys.contains("Default: 02:00."), "{keys}");
    for page in ["cached.8", "cached-refresh.8", "cachectl.1", "cachectl-refresh.1"] {
        for section in ["EXIT STATUS", "EXAMPLES", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            assert!(read(page).contains(&format!(".SH \"{section}\"")), "{page} has no {section}");
        }
        assert!(!read(page).contains("EXTRA"), "{page}");
    }
    // Every manual page that is referred to exists.
    for page in ["cached.8", "cachectl.1"] {
        for name in read(page)
            .lines()
            .filter_map(|line| line.strip_suffix(if page == "cached.8" { "(8)" } else { "(1)" }))
        {
            let file = format!("{}.{}", name.replace('\\', ""), &page[page.len() - 1..]);
            assert!(directory.path().join(&file).exists(), "{page} refers to {file}");
        }
    }
    for completion in ["cachectl.bash", "cachectl.fish", "_cachectl", "cached.bash", "cached.fish", "_cached"]
    {
        assert!(read(completion).contains("refresh"), "{completion}");
    }
    let bash = run(Command::new("bash").arg("-n").arg(directory.path().join("cachectl.bash")));
    assert_eq!(bash.code, Some(0), "{bash:?}");
}
