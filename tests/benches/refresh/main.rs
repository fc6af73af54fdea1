//! Where the time of a refresh goes, and what the same bytes cost at the least.
//!
//! Every figure comes from a process of its own, so that memory peaks are not mixed; each is taken several times
//! and the median is printed. `cargo bench -p cached-tests --bench refresh` runs it, with a part of a sample's name for
//! that sample alone; `tests/benches/README.md` has the figures.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod pieces;
mod sample;

use std::process::Command;

use serde_json::Value;
use tikv_jemallocator::Jemalloc;

/// The daemon's, with its settings.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [piece, directory] = arguments.as_slice() {
        println!("{}", pieces::run(piece, directory.as_ref()));
        return;
    }
    let part = arguments.first().map_or("", String::as_str);
    for sample in sample::all(part) {
        let figures: Vec<(&str, Value)> =
            pieces::NAMES.iter().map(|&piece| (piece, measure(&sample, piece))).collect();
        report(&sample, &figures);
    }
}

/// The round with the median time.
fn measure(sample: &sample::Sample, piece: &str) -> Value {
    let mut rounds: Vec<Value> = (0..ROUNDS)
        .map(|_| {
            let directory = sample.fresh(pieces::starts_refreshed(piece));
            let output = Command::new(std::env::current_exe().unwrap())
                .arg(piece)
                .arg(directory.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{piece}: {}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        })
        .collect();
    rounds.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    rounds.swap_remove(ROUNDS / 2)
}

fn seconds(figures: &Value) -> f64 {
    figures["seconds"].as_f64().unwrap()
}

fn report(sample: &sample::Sample, figures: &[(&str, Value)]) {
    println!("\n## {} ({} rounds, medians)\n", sample.name(), ROUNDS);
    println!("| piece | seconds | source rows | rows/s | MB written | peak memory MB |");
    println!("|---|---|---|---|---|---|");
    for (piece, figure) in figures {
        let rows = figure["rows"].as_f64().unwrap_or_default();
        println!(
            "| {piece} | {:.3} | {rows} | {:.0} | {:.1} | {:.0} |",
            seconds(figure),
            rows / seconds(figure),
            figure["bytes"].as_f64().unwrap_or_default() / 1e6,
            figure["peak_kb"].as_f64().unwrap() / 1e3,
        );
    }
    let of = |name: &str| &figures.iter().find(|(piece, _)| *piece == name).unwrap().1;
    let least = seconds(of("bare scan")) + seconds(of("bare write"));
    println!("\nwhole refresh / (bare scan + bare write) = {:.2}", seconds(of("refresh")) / least);
    let least = seconds(of("bare scan")) + seconds(of("bare read"));
    println!("unchanged refresh / (bare scan + bare read) = {:.2}", seconds(of("unchanged")) / least);
    let stamped = least + seconds(of("bare stamp"));
    println!(
        "unchanged refresh / (bare scan + bare read + bare stamp) = {:.2}",
        seconds(of("unchanged")) / stamped
    );
    println!("the next night / (bare scan + bare read) = {:.2}", seconds(of("next night")) / least);
    for piece in ["refresh", "next night"] {
        tables(piece, of(piece));
    }
    println!("\nscan: {:.3} s", of("refresh")["scan"].as_f64().unwrap());
}

fn tables(piece: &str, figures: &Value) {
    println!("\n{piece}:\n\n| table | entries | computed | KB | build s | serialize s | write s |");
    println!("|---|---|---|---|---|---|---|");
    for table in figures["tables"].as_array().unwrap() {
        let number = |key: &str| table[key].as_f64().unwrap();
        println!(
            "| {} | {} | {} | {:.0} | {:.3} | {:.3} | {:.3} |",
            table["table"].as_str().unwrap(),
            number("entries"),
            number("computed"),
            number("bytes") / 1e3,
            number("build"),
            number("serialize"),
            number("write"),
        );
    }
}
