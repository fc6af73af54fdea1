//! The command line of `cached`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use cached_present::place::INSTANCE;
use cached_proto::verb::refresh::Choice;
use cached_proto::words::{CacheType, Table, UnknownWord};
use chrono::{DateTime, Datelike as _, Utc};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand};

use crate::config::{Instance, Overrides};

/// Text below the help of the program and of each subcommand that ends by itself.
const EXIT_CODES: &str = "\
Exit codes:
  0  all went well; tables that were young enough, switched off or withheld count as well
  1  a table failed, was guarded, or is disabled because VMS's schema changed
  2  nothing could start: usage, configuration, no VMS database, another cached at work";

/// Keeps every report cache of VMS fresh.
#[derive(Debug, Parser)]
#[command(name = "cached", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// The subcommand; without one, the daemon runs.
    #[command(subcommand)]
    command: Option<Command>,
    /// Flags that every subcommand takes.
    #[command(flatten)]
    pub common: Common,
}

/// Flags that are also keys of the configuration; a flag beats variable and file.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Configuration file, also `CACHED_CONFIG` [default: /etc/cached/cached.toml, if it exists]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// One of several daemons on this machine, also `CACHED_INSTANCE`: /etc/cached/NAME.toml is its configuration, and
    /// its state, log and socket are in directories of that name
    #[arg(long, value_name = "NAME", global = true, env = INSTANCE, hide_env = true)]
    #[arg(default_value = "", hide_default_value = true)]
    pub instance: Instance,
    /// VMS's database: the path of a SQLite file
    #[arg(long, value_name = "URL", global = true)]
    pub database: Option<String>,
    /// The daemon's own database: the path of a SQLite file
    #[arg(long, value_name = "URL", global = true)]
    pub state: Option<String>,
    /// Control socket
    #[arg(long, value_name = "PATH", global = true)]
    pub socket: Option<String>,
    /// Address of the status page, "" to disable it [default: 127.0.0.1:8321]
    #[arg(long, value_name = "ADDR", global = true)]
    pub http: Option<String>,
    /// Time zone of the schedule and of VMS, also `CACHED_TIMEZONE`
    #[arg(long, value_name = "IANA", global = true)]
    pub timezone: Option<String>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<String>,
}

/// What `cached` can do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Run the daemon (also what happens without a subcommand)
    Run,
    /// Refresh once without a daemon, print the outcome and exit
    Refresh(Refresh),
    /// Validate the configuration and probe VMS's database without changing anything
    Check(Check),
    /// Make a sample VMS database, refresh everything and serve it
    ///
    /// Reads no configuration file unless --config or `CACHED_CONFIG` names one. Its file paths, section notify,
    /// section maintenance and `vms.probe_url` are ignored.
    Demo(Demo),
}

/// Arguments of `cached refresh`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Refresh {
    /// Cache types or single tables to refresh [default: all]
    #[arg(value_name = "TYPE", value_parser = word::<Choice>(Choice::words()), ignore_case = true)]
    pub types: Vec<Choice>,
    /// Another way to name a type, as in cachectl; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = word::<Choice>(Choice::words()), ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub more_types: Vec<Choice>,
    /// Single tables to refresh; may be repeated
    #[arg(long = "table", value_name = "TABLE", value_parser = word::<Table>(tables()), ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub tables: Vec<Table>,
    /// Also refresh entries that are young enough
    #[arg(long)]
    pub force: bool,
    /// Accept the loss of source rows that the guard would refuse
    #[arg(long)]
    pub accept: bool,
    /// Instant to use as the current time, such as 2026-03-08T08:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub as_of: Option<DateTime<Utc>>,
    /// Reproduce VMS's payloads bug for bug
    #[arg(long)]
    pub exact: bool,
    /// Print the outcome as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `cached check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Check {
    /// Check only the configuration, not the database
    #[arg(long)]
    pub config_only: bool,
    /// Exit with 1 also when a report is not fresh or the last run failed
    #[arg(long, conflicts_with = "config_only")]
    pub strict: bool,
}

/// Arguments of `cached demo`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Demo {
    /// Directory for the sample [default: a private temporary one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Size of the sample, in multiples of a small one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub scale: u32,
    /// Exit after the first refresh instead of serving
    #[arg(long)]
    pub once: bool,
}

impl Refresh {
    /// The types and the tables that were named; both empty for everything.
    pub fn chosen(&self) -> (Vec<CacheType>, Vec<Table>) {
        let tables = self.tables.iter().copied().map(Choice::Table);
        Choice::request(self.types.iter().chain(&self.more_types).copied().chain(tables))
    }
}

/// Parses one of these words, where `-` may be typed for `_`; others are listed in the error.
fn word<T>(words: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static,
{
    let listed = words.map(|word| PossibleValue::new(word).alias(word.replace('_', "-")));
    PossibleValuesParser::new(listed.collect::<Vec<_>>()).try_map(|word| word.parse())
}

fn tables() -> impl Iterator<Item = &'static str> {
    Table::ALL.iter().copied().map(Table::as_str)
}

/// What is typed after `cached` by those who look for another program, and what to type instead.
const TIPS: &[(&[&str], &str)] = &[
    (&["status", "health"], "`cachectl {}` asks the daemon; `cached check` needs none"),
    (&["start", "stop", "restart", "reload"], "the service is controlled with `systemctl {} cached`"),
    (
        &["list", "jobs", "history", "next", "logs", "ping"],
        "`cachectl` asks the daemon; `cachectl --help` lists what",
    ),
    (&["version"], "`cached --version`"),
];

/// Parses the command line of a process, whose first word is the name of the program.
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line).map_err(|mut error| {
        let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
            return error;
        };
        if let Some((_, tip)) = TIPS.iter().find(|(words, _)| words.contains(&typed.as_str())) {
            let tip = tip.replace("{}", typed);
            error.remove(ContextKind::SuggestedSubcommand);
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error
    })
}

impl Cli {
    /// The subcommand; `run` by default.
    pub fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Run)
    }

    /// The configuration keys that are set on the command line.
    pub fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        overrides.config.clone_from(&self.common.config);
        let flags = [
            ("--database", "database", "url", &self.common.database),
            ("--state", "state", "url", &self.common.state),
            ("--socket", "socket", "path", &self.common.socket),
            ("--http", "http", "listen", &self.common.http),
            ("--timezone", "schedule", "timezone", &self.common.timezone),
            ("--timezone", "vms", "timezone", &self.common.timezone),
            ("--log-level", "log", "level", &self.common.log_level),
        ];
        for (flag, section, key, value) in flags {
            if let Some(value) = value {
                overrides.set(flag, section, key, value);
            }
        }
        if let Some(Command::Refresh(Refresh { exact: true, .. })) = self.command {
            overrides.set("--exact", "compat", "mode", "exact");
        }
        overrides
    }
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "must be an RFC 3339 instant with its offset, such as 2026-03-08T08:00:00Z".to_owned())?
        .to_utc();
    // School years are written with two digits, and windows reach a year back and a day ahead.
    if (2000..2099).contains(&at.year()) {
        Ok(at)
    } else {
        Err("must be in the years 2000 to 2098".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::refresh::Choice;
    use cached_proto::words::{CacheType, Table};
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::{Check, Cli, Command, Demo, Refresh};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        super::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn the_definitions_are_sound() {
        <Cli as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn command_lines_are_parsed_into_commands() {
        let as_of = "2026-03-08T08:00:00Z".parse().ok();
        let cases = [
            ("cached", Command::Run),
            ("cached run", Command::Run),
            ("cached --database /a.db run", Command::Run),
            ("cached refresh", Command::Refresh(Refresh::default())),
            (
                "cached refresh district virtual-session",
                Command::Refresh(Refresh {
                    types: vec![Choice::Type(CacheType::District), Choice::Type(CacheType::VirtualSession)],
                    ..Refresh::default()
                }),
            ),
            (
                "cached refresh --table dia_events_report_cache --table organization_detail_cache volunteer",
                Command::Refresh(Refresh {
                    types: vec![Choice::Type(CacheType::Volunteer)],
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
    fn common_flags_may_come_before_or_after_the_subcommand() {
        let flags =
            "--config f --instance i --database d --state s --socket k --http h --timezone z --log-level l";
        for line in
            [format!("cached {flags} check"), format!("cached check {flags}"), format!("cached {flags}")]
        {
            let common = parse(&line).unwrap().common;
            assert_eq!(common.config.as_deref(), Some("f".as_ref()));
            assert_eq!(common.instance.name(), Some("i"));
            let rest = [
                common.database,
                common.state,
                common.socket,
                common.http,
                common.timezone,
                common.log_level,
            ];
            assert_eq!(rest.map(Option::unwrap).join(" "), "d s k h z l", "{line}");
        }
    }

    #[test]
    fn a_type_a_table_and_all_may_be_named_in_any_case() {
        let dia = Table::DiaEventsReportCache;
        for (line, chosen) in [
            ("cached refresh District", (vec![CacheType::District], vec![])),
            ("cached refresh dia-events-report-cache", (vec![], vec![dia])),
            ("cached refresh --table DIA_events_report_cache", (vec![], vec![dia])),
            ("cached refresh all", (vec![], vec![])),
            ("cached refresh", (vec![], vec![])),
        ] {
            let Command::Refresh(arguments) = parse(line).unwrap().command() else { panic!("{line}") };
            assert_eq!(arguments.chosen(), chosen, "{line}");
        }
    }

    #[test]
    fn a_usage_error_exits_2_and_says_what_to_type() {
        let cases = [
            ("cached refresh districts", "a similar value exists: 'district'"),
            (
                "cached refresh nonsense",
                "district, organization, virtual_session, volunteer, recruitment, all",
            ),
            ("cached status", "`cachectl status` asks the daemon; `cached check` needs none"),
            ("cached start", "`systemctl start cached`"),
            ("cached stop", "`systemctl stop cached`"),
            ("cached restart", "`systemctl restart cached`"),
            ("cached history", "`cachectl --help`"),
            ("cached version", "`cached --version`"),
            ("cached refresh --table x", "recruitment_candidates_cache"),
            ("cached refresh --as-of yesterday", "RFC 3339"),
            ("cached refresh --as-of 2026-03-08T08:00:00", "with its offset"),
            ("cached --instance a/b", "must be at most 64 letters"),
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
    fn help_and_version_exit_0() {
        assert_eq!(parse("cached --help").unwrap_err().kind(), ErrorKind::DisplayHelp);
        assert_eq!(parse("cached --version").unwrap_err().exit_code(), 0);
    }
}
