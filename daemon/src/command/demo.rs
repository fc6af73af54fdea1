//! `cached demo`: runs everything on a sample of VMS's data, in a directory of its own.

use std::fs::DirBuilder;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::{Exit, print, refresh, refuse, run};
use crate::cli::{Cli, Demo, Refresh};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigErrors, Http, Origin, Overrides, ProcessEnvironment};
use crate::demo::{DemoError, DemoOptions, generate};
use crate::describe::describe;
use crate::web::bind;

/// Seed of the sample; constant, so that every demonstration shows the same people and figures.
const SEED: u64 = 1;

/// Keys that would reach outside the demonstration: a dead man's switch must not mistake it for the monitored
/// daemon.
const OFF: [(&str, &str); 8] = [
    ("notify", "command"),
    ("notify", "webhook"),
    ("notify", "mail"),
    ("notify", "morning"),
    ("notify", "ping_url"),
    ("maintenance", "analyze"),
    ("maintenance", "prune"),
    ("vms", "probe_url"),
];

#[derive(Debug, thiserror::Error)]
enum NoSample {
    #[error("the directory {} for the sample cannot be made; name another one with --dir", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Generate(#[from] DemoError),
}

/// Creates the sample, refreshes it, and serves it unless only one refresh is requested.
pub async fn demo(cli: &Cli, arguments: &Demo, environment: &ProcessEnvironment) -> Exit {
    let clock = SystemClock::new();
    let directory = match sample(arguments, &clock, environment).await {
        Ok(directory) => directory,
        Err(error) => return refuse(&describe(&error)),
    };
    let mut overrides = overrides(cli, &directory);
    let config = match open_to_this_machine(&mut overrides, environment) {
        Ok(config) => config,
        Err(errors) => return refuse(&errors.to_string()),
    };
    let everything = Refresh { force: true, ..Refresh::default() };
    let refreshed = refresh::refresh(&config, &everything).await;
    if refreshed != Exit::Good {
        return refreshed;
    }
    if arguments.once {
        print(&format!("\nThe sample and its refreshed reports: {}\n", directory.join("vms.db").display()));
        return Exit::Good;
    }
    // A daemon would refresh without its page and try the port again; a demonstration without its page is useless.
    if let Some(address) = config.http.listen
        && let Err(error) = bind(address).await
    {
        return refuse(&describe(&error));
    }
    print(&invitation(&config, &directory));
    run::run(config, &overrides, environment, None).await
}

async fn sample(
    arguments: &Demo,
    clock: &dyn Clock,
    environment: &ProcessEnvironment,
) -> Result<PathBuf, NoSample> {
    let directory = match &arguments.dir {
        Some(directory) => environment.cwd.join(directory),
        None => std::env::temp_dir().join(format!("cached-demo-{}", std::process::id())),
    };
    // A directory that was not named on the command line must be new, so that no other user can have prepared
    // it.
    DirBuilder::new()
        .recursive(arguments.dir.is_some())
        .mode(0o700)
        .create(&directory)
        .map_err(|source| NoSample::Directory { path: directory.clone(), source })?;
    let database = directory.join("vms.db");
    if database.exists() {
        print(&format!("Using the sample in {}\n\n", database.display()));
        return Ok(directory);
    }
    let options = DemoOptions { scale: arguments.scale, seed: SEED, now: clock.now() };
    let made = generate(&database, &options).await?;
    print(&format!("A sample VMS database: {made}\n\n"));
    Ok(directory)
}

/// Keeps the demonstration inside its own directory and this machine, whatever the host's configuration: a
/// configuration file counts only when it is named, and even then no notice is sent, no page of VMS is probed
/// and no maintenance is scheduled.
fn overrides(cli: &Cli, directory: &Path) -> Overrides {
    let mut overrides = cli.overrides();
    overrides.only_named = true;
    let inside = |name: &str| directory.join(name).display().to_string();
    let own = [
        ("database", "url", inside("vms.db"), cli.common.database.is_none()),
        ("state", "url", inside("state.db"), cli.common.state.is_none()),
        ("socket", "path", inside("cached.sock"), cli.common.socket.is_none()),
        ("log", "dir", directory.display().to_string(), true),
    ];
    for (section, key, value, ours) in own {
        if ours {
            overrides.set("demo", section, key, value);
        }
    }
    for (section, key) in OFF {
        overrides.set("demo", section, key, "");
    }
    overrides
}

/// Loads the configuration and opens the page to all users of this machine, because none of them has a login
/// at the sample's VMS. A value that the user has set stays as it is.
fn open_to_this_machine(
    overrides: &mut Overrides,
    environment: &ProcessEnvironment,
) -> Result<Config, ConfigErrors> {
    let config = Config::load(overrides, environment)?;
    if let Some(free) = config.http.listen.and_then(|wanted| another_port(&config, wanted)) {
        overrides.set("demo", "http", "listen", free.to_string());
    }
    if *config.origin("http", "open_viewing") == Origin::Default {
        let mut opened = overrides.clone();
        opened.set("demo", "http", "open_viewing", "true");
        // Refused where the configuration admits other machines.
        if let Ok(config) = Config::load(&opened, environment) {
            *overrides = opened;
            return Ok(config);
        }
    }
    Config::load(overrides, environment)
}

/// Returns a port to use instead, where any port will do or the default one is taken by another program.
fn another_port(config: &Config, wanted: SocketAddr) -> Option<SocketAddr> {
    let is_default_port = *config.origin("http", "listen") == Origin::Default;
    let is_taken = || TcpListener::bind(wanted).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    if wanted.port() != 0 && !(is_default_port && is_taken()) {
        return None;
    }
    let free = TcpListener::bind((wanted.ip(), 0)).and_then(|listener| listener.local_addr()).ok()?;
    if wanted.port() != 0 {
        print(&format!("Port {} is taken; the page is at port {} instead.\n\n", wanted.port(), free.port()));
    }
    Some(free)
}

/// Describes where the page is, and who can view it.
fn page(http: &Http) -> String {
    let Some(address) = http.listen else { return String::new() };
    let who = if http.open_viewing { ", open to every user of this machine, for viewing only" } else { "" };
    format!("The page{who}:\n\n\x20   http://{address}/management/cache/status\n\n")
}

/// Returns the command of the client: in a clone, cargo runs it; elsewhere it is installed beside this
/// program.
fn client() -> String {
    let beside = std::env::current_exe().ok().map(|program| program.with_file_name("cachectl"));
    let installed = beside.filter(|client| client.is_file());
    installed.map_or_else(
        || "cargo run --release -q -p cachectl --".to_owned(),
        |client| client.display().to_string(),
    )
}

fn invitation(config: &Config, directory: &Path) -> String {
    let (socket, client) = (config.socket.path.display(), client());
    format!(
        "\nServing from {directory}. {page}In another terminal, try:\n\n\
         \x20   export CACHED_SOCKET={socket}\n\
         \x20   {client} status\n\
         \x20   {client} refresh district --force\n\
         \x20   {client} next -n 3\n\
         \x20   {client} stop-scheduler\n\n\
         Ctrl-C stops it.\n\n",
        directory = directory.display(),
        page = page(&config.http),
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use clap::Parser as _;

    use super::*;
    use crate::config::Instance;

    #[test]
    fn the_notifications_and_maintenance_of_the_host_stay_off_in_a_demo() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cached.toml");
        let host = "[notify]\nping_url = \"https://u:p@hc/1\"\ncommand = \"/bin/mail root\"\nmail = \"root\"\nmorning = \"08:00\"\n\
                    [maintenance]\nprune = \"0 0 4 * * *\"\n[vms]\nprobe_url = \"http://127.0.0.1:8000/\"\n\
                    [schedule]\nrefresh_time = \"05:00\"\n";
        std::fs::write(&file, host).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let environment = ProcessEnvironment {
            default_file: file.clone(),
            ..ProcessEnvironment::of_process(SystemClock::new().now(), Instance::default())
        };
        let load = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["cached", "demo"], arguments].concat()).unwrap();
            Config::load(&overrides(&cli, dir.path()), &environment).unwrap()
        };
        for (arguments, refresh_time) in
            [(&[][..], "02:00"), (&["--config", file.to_str().unwrap()], "05:00")]
        {
            let config = load(arguments);
            assert_eq!(config.schedule.refresh_time.format("%H:%M").to_string(), refresh_time);
            assert_eq!((&config.notify.ping_url, &config.notify.command), (&None, &None), "{arguments:?}");
            assert_eq!((&config.notify.mail, config.notify.morning), (&None, None), "{arguments:?}");
            assert_eq!((&config.maintenance.prune, &config.vms.probe_url), (&None, &None), "{arguments:?}");
        }
    }
}
