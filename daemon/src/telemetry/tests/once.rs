//! Property: whatever happens, the files together contain every line once and in order.

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use super::super::pack::Step;
use super::super::rotate::{Form, Rotated};
use super::super::tidy::{Order, tidy};
use super::tidying::{STEPS, killed};
use super::*;

#[derive(Debug, Clone)]
enum Happening {
    /// Writes a line with this number of characters.
    Line(usize),
    /// This number of hours passes.
    Hours(i64),
    /// The clock is this number of hours behind, from now on.
    Behind(i64),
    /// Rotated files are compressed, interrupted at the given step if there is one.
    Tidy(Option<Step>),
    /// The process ends and another one starts.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1..120_usize).prop_map(Happening::Line),
        2 => (0..40_i64).prop_map(Happening::Hours),
        1 => (0..24_i64).prop_map(Happening::Behind),
        2 => prop::option::of(prop::sample::select(STEPS.to_vec())).prop_map(Happening::Tidy),
        1 => Just(Happening::Restart),
    ]
}

/// Concatenates all files in the order of their names, as an operator would.
fn together(dir: &Path) -> String {
    let mut files: Vec<(Rotated, Form)> =
        names(dir).iter().filter_map(|name| Rotated::parse(name.as_ref())).collect();
    files.sort_by_key(|(rotated, form)| (*rotated, *form == Form::Packed));
    // Between two steps both forms may exist.
    files.dedup_by_key(|(rotated, _)| *rotated);
    let mut all = String::new();
    for (rotated, form) in files {
        match form {
            Form::Plain => all += &fs::read_to_string(dir.join(rotated.plain())).unwrap(),
            Form::Packed => {
                let file = fs::File::open(dir.join(rotated.packed())).unwrap();
                flate2::read::GzDecoder::new(file).read_to_string(&mut all).unwrap();
            }
        }
    }
    all + &fs::read_to_string(dir.join("cache_manager.log")).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_there_once_and_in_order(
        happenings in prop::collection::vec(happening(), 1..60),
        max_size in 100..400_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let start: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 11, 1, 8, 0, 0).unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let place = Place::of(&config(dir.path(), &[("max_size", &format!("{max_size}B"))]));
        // Tidying happens only as one of the generated events.
        let new = || LogFile::untended(clock.clone(), place.clone());
        let mut file = new();
        let (mut hours, mut behind, mut written) = (0, 0, String::new());
        for (number, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Line(length) => {
                    let line = format!("{number} {}\n", "x".repeat(length));
                    file.append(|_| line.clone());
                    written += &line;
                    // A process that starts later takes the day of the records from the file's modification
                    // time.
                    let current = fs::File::options().write(true).open(dir.path().join("cache_manager.log")).unwrap();
                    current.set_modified(clock.now().into()).unwrap();
                }
                Happening::Hours(passed) => hours += passed,
                Happening::Behind(by) => behind = by,
                Happening::Tidy(crash) => {
                    let today = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
                    let order = Order { dir: dir.path().to_owned(), keep_days: 30, today };
                    match crash {
                        Some(step) => killed(&order, step),
                        None => prop_assert!(tidy(&order, &|_| Ok(())).is_empty()),
                    }
                }
                Happening::Restart => file = new(),
            }
            clock.set(start + chrono::TimeDelta::hours(hours - behind));
            prop_assert_eq!(&together(dir.path()), &written);
        }
    }
}
