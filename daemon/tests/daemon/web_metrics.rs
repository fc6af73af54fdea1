//! `/metrics` reports in Prometheus' format the same values as `cachectl`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use cached::daemon::Daemon;
use cached_proto::words::Table;
use prometheus_parse::{Sample, Scrape, Value};

use crate::boot::{Home, finished};
use crate::web_client::{ask, authorization, post, serve_web, trusted};

/// Time for which one evaluation is cached.
const APART: Duration = Duration::from_secs(5);

async fn scrape(daemon: &Daemon) -> String {
    let answer = ask(daemon, "GET", "/metrics", &[("Authorization", authorization().as_str())], "").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    answer.body
}

fn samples(text: &str) -> Vec<Sample> {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap().samples
}

/// The value of the only metric with that name and those labels.
fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let has = |sample: &&Sample| {
        sample.metric == name && labels.iter().all(|(label, value)| sample.labels.get(label) == Some(value))
    };
    let found: Vec<&Sample> = samples.iter().filter(has).collect();
    let [sample] = found[..] else { panic!("{name} {labels:?}: {found:?}") };
    match sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => value,
        ref other => panic!("{name} is not a number: {other:?}"),
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Checks what the parser accepts and Prometheus does not.
fn assert_strict(text: &str) {
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let mut seen = HashSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(is_name(name) && name.starts_with("cached_") && helped.contains(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            name.clone_into(&mut current);
        } else {
            let (series, number) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(series.to_owned()), "twice: {series}");
            assert!(number.parse::<f64>().unwrap().is_finite(), "{line}");
            let name = series.split('{').next().unwrap();
            let parts = ["_bucket", "_sum", "_count"].map(|part| format!("{current}{part}"));
            let of_current = match kinds[&current].as_str() {
                "histogram" => parts.iter().any(|part| part == name),
                _ => current == name,
            };
            assert!(of_current, "{line} comes under {current}");
        }
    }
    assert_eq!(kinds.keys().cloned().collect::<BTreeSet<_>>(), helped);
    for sample in samples(text) {
        assert!(sample.labels.keys().all(|label| is_name(label)), "{sample:?}");
        if let Value::Histogram(buckets) = &sample.value {
            assert!(
                buckets.is_sorted_by(|a, b| a.less_than < b.less_than && a.count <= b.count),
                "{sample:?}"
            );
            let count = value(&samples(text), &format!("{}_count", sample.metric), &labels_of(&sample));
            let all = buckets.last().unwrap();
            assert!(all.less_than.is_infinite() && (all.count - count).abs() < 0.5, "{sample:?}");
        }
    }
}

fn labels_of(sample: &Sample) -> Vec<(&str, &str)> {
    sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_scrape_is_valid_for_prometheus() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    assert_strict(&scrape(&daemon).await);
}

#[tokio::test]
async fn the_metrics_of_an_instance_have_its_name_as_a_label_and_those_of_a_daemon_without_one_have_none() {
    for name in ["", "north"] {
        let mut home = Home::lived_in().await;
        home.instance = name.parse().unwrap();
        serve_web(&mut home);
        let daemon = home.boot().await;
        let text = scrape(&daemon).await;
        assert_strict(&text);
        let samples = samples(&text);
        let names: BTreeSet<_> =
            samples.iter().map(|s| s.labels.get("instance").unwrap_or_default()).collect();
        assert_eq!(names, BTreeSet::from([name]));
    }
}

#[tokio::test]
async fn a_scrape_has_the_state_of_the_tables_and_the_finished_work() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    home.clock.advance(Duration::from_mins(10));
    let entry = "api/entries/organization_summary_cache?key=school_year%3D2526";
    assert_eq!(trusted(&daemon, "GET", entry, &[], "").await.status, 200);
    let samples = samples(&scrape(&daemon).await);
    let table = Table::OrganizationSummaryCache;
    let of_table = [("type", "organization"), ("table", table.as_str())];
    let fresh = [of_table[0], of_table[1], ("state", "fresh")];
    for (name, labels, expected) in [
        ("cached_table_oldest_entry_age_seconds", &of_table[..], 600.0),
        ("cached_table_entries", &fresh, 2.0),
        ("cached_table_rows", &of_table, 2.0),
        ("cached_table_state", &fresh, 1.0),
        ("cached_table_refresh_seconds_count", &of_table, 1.0),
        ("cached_run_seconds_count", &[], 1.0),
        ("cached_runs_total", &[("trigger", "startup"), ("outcome", "rebuilt")], 1.0),
        ("cached_runs_total", &[("trigger", "schedule"), ("outcome", "failed")], 0.0),
        ("cached_reads_total", &[("result", "hit")], 1.0),
        ("cached_reads_total", &[("result", "miss")], 0.0),
        ("cached_queue_jobs", &[("phase", "pending")], 0.0),
        ("cached_scheduler_running", &[], 1.0),
        // 2026-03-11 02:00 in Chicago.
        ("cached_next_run_timestamp_seconds", &[], 1_773_212_400.0),
        ("cached_process_start_time_seconds", &[], 1_773_162_000.0),
        ("cached_last_run_timestamp_seconds", &[], 1_773_162_000.0),
        ("cached_last_full_refresh_timestamp_seconds", &[], 1_773_162_000.0),
        ("cached_up_to_date", &[], 1.0),
        ("cached_vms_database_up", &[], 1.0),
        ("cached_health", &[("level", "healthy")], 1.0),
        ("cached_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
    ] {
        let found = value(&samples, name, labels);
        assert!((found - expected).abs() < 1e-6, "{name} {labels:?} is {found}, not {expected}");
    }
    assert!(value(&samples, "cached_write_lock_held_seconds_count", &[]) >= 1.0);
    assert!(value(&samples, "cached_table_payload_bytes", &of_table) > 0.0);
}

#[tokio::test]
async fn a_run_that_skips_every_entry_is_not_counted_as_a_refresh() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    home.clock.advance(Duration::from_mins(10));
    assert_eq!(post(&daemon, "api/refresh?wait=1", "").await.status, 200);
    let samples = samples(&scrape(&daemon).await);
    let table = [("table", Table::OrganizationSummaryCache.as_str())];
    for (name, labels, expected) in [
        ("cached_runs_total", &[("trigger", "manual"), ("outcome", "skipped")][..], 1.0),
        ("cached_last_full_refresh_timestamp_seconds", &[], 1_773_162_000.0),
        ("cached_run_seconds_count", &[], 1.0),
        ("cached_table_refresh_seconds_count", &table, 1.0),
    ] {
        let found = value(&samples, name, labels);
        assert!((found - expected).abs() < 1e-6, "{name} {labels:?} is {found}, not {expected}");
    }
}

#[tokio::test]
async fn counters_continue_after_a_restart() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    assert_eq!(post(&daemon, "api/refresh?wait=1", r#"{"force": true}"#).await.status, 200);
    let attempts = |text: &str| value(&samples(text), "cached_job_attempts_total", &[]);
    let before = attempts(&scrape(&daemon).await);
    daemon.stop().await.unwrap();
    let daemon = home.boot().await;
    assert!(before > 11.5 && (attempts(&scrape(&daemon).await) - before).abs() < 0.5, "{before}");
}

#[tokio::test]
async fn an_unreadable_vms_database_is_reported_and_its_tables_have_no_metrics() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    assert_strict(&scrape(&daemon).await);
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let held = samples(&scrape(&daemon).await);
    assert!((value(&held, "cached_vms_database_up", &[]) - 1.0).abs() < 0.1, "one reading is kept");
    home.clock.advance(APART);
    let run = post(&daemon, "api/refresh", r#"{"cache_type": "volunteer"}"#).await.json()["run"].clone();
    finished(&daemon, run.as_str().unwrap().parse().unwrap()).await;
    let text = scrape(&daemon).await;
    assert_strict(&text);
    let samples = samples(&text);
    for (name, labels, expected) in [
        ("cached_vms_database_up", &[][..], 0.0),
        ("cached_up_to_date", &[], 0.0),
        ("cached_health", &[("level", "healthy")], 0.0),
        ("cached_health_reason", &[("code", "database_unreachable")], 1.0),
        ("cached_queue_jobs", &[("phase", "dead")], 2.0),
    ] {
        let found = value(&samples, name, labels);
        assert!((found - expected).abs() < 1e-6, "{name} {labels:?} is {found}, not {expected}");
    }
    assert!(!text.contains("cached_table_entries"), "no figures of tables that were not read");
}

#[tokio::test]
async fn a_scrape_requires_the_right_to_view() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    assert_eq!(ask(&daemon, "GET", "/metrics", &[], "").await.status, 401);
}

/// The names that the dashboard and the alerts use are exported, as far as a healthy daemon has them.
#[tokio::test]
async fn dashboard_and_alerts_use_metrics_that_exist() {
    let mut home = Home::lived_in().await;
    serve_web(&mut home);
    let daemon = home.boot().await;
    let scraped = scrape(&daemon).await;
    let typed = scraped.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut known: HashMap<String, usize> = HashMap::new();
    for (name, kind) in typed {
        let parts: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        known.extend(parts.iter().map(|part| (format!("{name}{part}"), 0)));
    }
    // This metric exists only where there is a problem.
    known.insert("cached_health_reason".to_owned(), 0);
    for file in ["grafana/cached-dashboard.json", "prometheus/alerts.yml"] {
        let path = format!("{}/../packaging/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("cached_")) {
            *known.get_mut(word).unwrap_or_else(|| panic!("{file} uses {word}, which is not exported")) += 1;
        }
        assert!(known.values().any(|&uses| uses > 0), "{file} uses no metric at all");
    }
}
