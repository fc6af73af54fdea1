//! What can be typed after `cached`.

use cached_proto::words::{CacheType, Table};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::{Check, Cli, Command, Demo, Refresh};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definitions_are_sound() {
    <Cli as CommandFactory>::command().debug_assert();
}

#[test]
fn every_line_means_one_command() {
    let as_of = "2026-03-08T08:00:00Z".parse().ok();
    let cases = [
        ("cached", Command::Run),
        ("cached run", Command::Run),
        ("cached --database /a.db run", Command::Run),
        ("cached refresh", Command::Refresh(Refresh::default())),
        (
            "cached refresh district virtual-session",
            Command::Refresh(Refresh {
                types: vec![CacheType::District, CacheType::VirtualSession],
                ..Refresh::default()
            }),
        ),
        (
            "cached refresh --table dia_events_report_cache --table organization_detail_cache volunteer",
            Command::Refresh(Refresh {
                types: vec![CacheType::Volunteer],
                tables: vec![Table::DiaEventsReportCache, Table::OrganizationDetailCache],
                ..Refresh::default()
            }),
        ),
        (
            "cached refresh --force --accept --as-of 2026-03-08T02:00:00-06:00 --exact --json",
            Command::Refresh(Refresh {
                force: true,
                accept: true,
                as_of,
                exact: true,
                json: true,
                ..Refresh::default()
            }),
        ),
        ("cached check", Command::Check(Check::default())),
        ("cached check --config-only", Command::Check(Check { config_only: true, ..Check::default() })),
        ("cached demo", Command::Demo(Demo { dir: None, scale: 1, once: false })),
        (
            "cached demo --dir d --scale 5 --once",
            Command::Demo(Demo { dir: Some("d".into()), scale: 5, once: true }),
        ),
    ];
    for (line, command) in cases {
        assert_eq!(parse(line).unwrap().command(), command, "{line}");
    }
}

#[test]
fn common_flags_stand_before_or_after_the_subcommand() {
    let flags = "--config f --database d --state s --socket k --http h --timezone z --log-level l";
    for line in [format!("cached {flags} check"), format!("cached check {flags}"), format!("cached {flags}")]
    {
        let common = parse(&line).unwrap().common;
        assert_eq!(common.config.as_deref(), Some("f".as_ref()));
        let rest =
            [common.database, common.state, common.socket, common.http, common.timezone, common.log_level];
        assert_eq!(rest.map(Option::unwrap).join(" "), "d s k h z l", "{line}");
    }
}

#[test]
fn a_wrong_line_exits_2_and_says_what_is_known() {
    let cases = [
        (
            "cached refresh districts",
            "known: district, organization, virtual_session, volunteer, recruitment",
        ),
        ("cached refresh --table x", "recruitment_candidates_cache"),
        ("cached refresh --as-of yesterday", "RFC 3339"),
        ("cached refresh --as-of 2026-03-08T08:00:00", "with its offset"),
        ("cached demo --scale 0", "1..=1000"),
        ("cached serve", "unrecognized subcommand"),
        ("cached --forse", "unexpected argument"),
    ];
    for (line, message) in cases {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(message), "{line}: {error}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    assert_eq!(parse("cached --help").unwrap_err().kind(), ErrorKind::DisplayHelp);
    assert_eq!(parse("cached --version").unwrap_err().exit_code(), 0);
}
