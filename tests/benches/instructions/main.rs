//! Instructions of the parts of a refresh, counted by valgrind. Unlike seconds they depend neither on the machine nor on
//! what else it does, so that a regression is seen. They do depend on the compiler, so another one needs a new file.
//!
//! `cargo bench -p cached-tests --bench instructions` compares them with the kept ones, `… -- --keep` replaces those.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use cached::refresh::RefreshScope;
use cached::reports::{Context, Group, REPORTS, Report, report};
use cached::store::GroupSerializer;
use cached::vms::tables::{Table, spec};
use cached_tests::golden::Golden;
use cached_tests::inside::{Inside, now};

/// By how much a count may differ: hash maps are seeded at random, and threads take turns at random.
const TOLERANCE: f64 = 0.05;

/// The database that is counted on.
const SET: &str = "small3";

/// Counts without the work that a refresh does for them: of the whole process, since SQLite works on a thread of its own.
const BASE: &str = "open";
const WHOLE: [&str; 2] = ["read the sources", "read the stored payloads"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/kept.txt");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => compare(&std::fs::read_to_string(kept).unwrap(), &count()),
        ["--keep"] => std::fs::write(kept, text(&count())).unwrap(),
        [piece, directory] => perform(piece, Path::new(directory)),
        other => panic!("{other:?}: neither a piece and its directory, nor --keep"),
    }
}

fn pieces() -> impl Iterator<Item = String> {
    let of_report =
        |report: &&dyn Report| ["build", "serialize"].map(|step| format!("{step} {}", report.table()));
    WHOLE.into_iter().map(str::to_owned).chain(REPORTS.iter().flat_map(of_report))
}

/// Counts each piece on a refreshed copy of the database.
fn count() -> BTreeMap<String, u64> {
    let golden = Golden::unpack(SET);
    Inside::open(&golden.database(), &golden.state()).refresh(RefreshScope::Every, now());
    let of = |piece: &str| {
        let copy = golden.copy();
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .args(if of_process(piece) { &[][..] } else { &["--toggle-collect=*measured*"] })
            .arg(std::env::current_exe().unwrap())
            .arg(piece)
            .arg(copy.directory())
            .output()
            .expect("valgrind is needed to count instructions");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{piece}: {printed}");
        let collected = printed.lines().find_map(|line| line.split_once("Collected : "));
        collected.unwrap().1.trim().parse::<u64>().unwrap()
    };
    let base = of(BASE);
    pieces()
        .map(|piece| (of(&piece) - if of_process(&piece) { base } else { 0 }, piece))
        .map(|(n, piece)| (piece, n))
        .collect()
}

fn of_process(piece: &str) -> bool {
    piece == BASE || WHOLE.contains(&piece)
}

fn text(counts: &BTreeMap<String, u64>) -> String {
    let mut text = String::new();
    for (piece, count) in counts {
        writeln!(text, "{count:>12} {piece}").unwrap();
    }
    text
}

/// Prints both counts of each piece; panics if one is not within the tolerance.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn compare(kept: &str, counts: &BTreeMap<String, u64>) {
    let kept = kept.lines().map(|line| line.trim().split_once(' ').unwrap());
    let kept: BTreeMap<&str, u64> = kept.map(|(count, piece)| (piece, count.parse().unwrap())).collect();
    let mut differing = Vec::new();
    println!("| piece | kept | now | ratio |\n|---|---|---|---|");
    for (piece, &now) in counts {
        let before = kept.get(piece.as_str()).copied().unwrap_or_default();
        let ratio = now as f64 / before as f64;
        println!("| {piece} | {before} | {now} | {ratio:.3} |");
        if (ratio - 1.0).abs() > TOLERANCE {
            differing.push(piece);
        }
    }
    assert!(
        kept.len() == counts.len() && differing.is_empty(),
        "more or less than kept: {differing:?}; `--keep` if that is right"
    );
}

/// Performs a piece, of which valgrind counts what is [`measured`], or everything.
fn perform(piece: &str, directory: &Path) {
    let inside = Inside::open(&directory.join("vms.db"), &directory.join("state.db"));
    let Some((step @ ("build" | "serialize"), table)) = piece.split_once(' ') else {
        return whole(piece, &inside);
    };
    let report = report(table.parse::<Table>().unwrap()).unwrap();
    let snapshot = inside.snapshot(RefreshScope::Every, now());
    let cx = Context::new(&snapshot, inside.settings(), now());
    if step == "build" {
        assert!(measured(|| report.build(cx).count()) > 0);
    } else {
        let (groups, mut serializer) =
            (report.build(cx).collect::<Vec<Group<'_>>>(), GroupSerializer::default());
        let spec = spec(report.table());
        measured(|| groups.iter().for_each(|group| drop(serializer.serialize(spec, group).unwrap())));
    }
}

fn whole(piece: &str, inside: &Inside) {
    match piece {
        BASE => {}
        "read the sources" => drop(inside.sources(now())),
        "read the stored payloads" => drop(inside.rows(RefreshScope::Every, now())),
        _ => panic!("no such piece: {piece}"),
    }
}

/// Its instructions are counted.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    work()
}
