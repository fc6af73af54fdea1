//! `cached check`: the effective configuration, and a probe of VMS's schema and of the file permissions.

use std::path::Path;
use std::sync::Arc;

use super::freshness::Freshness;
use super::ownership::OthersPlace;
use super::rights::{self, Sharing};
use super::{Exit, complain, print, refuse};
use crate::cli::Check;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::describe::describe;
use crate::maintenance::disk_space;
use crate::refresh::{Availability, RefreshConfig, availability};
use crate::reports::REPORTS;
use crate::state::examine;
use crate::vms::{Vms, VmsError};

/// Prints the findings; changes nothing. The keys in `unjudged` name credentials that only the service has.
pub async fn check(config: &Config, unjudged: &[String], arguments: &Check) -> Exit {
    print(&config.render());
    for key in unjudged {
        complain(&format!(
            "note: {key} names a systemd credential, which only the service is given: not looked at"
        ));
    }
    let refresh = match RefreshConfig::of(config) {
        Ok(refresh) => refresh,
        Err(error) => return refuse(&describe(&error)),
    };
    if arguments.config_only {
        return Exit::Good;
    }
    print("\n");
    let (sharing, told) = rights::examine(&refresh.database);
    print(&told);
    if let Some(others) = OthersPlace::find(config) {
        let user = others.user;
        print(&format!("Root may do everything; what user {user} may: runuser -u {user} -- cached check\n"));
    }
    if sharing == Sharing::LocksOut {
        // Even reading the database would create files that VMS cannot open.
        return refuse("the VMS database is not looked into, because that could lock VMS out of it");
    }
    let found = match probe(&refresh, config, sharing).await {
        Ok(found) => found,
        Err(error) => return refuse(&describe(&error)),
    };
    let state = state(config.state.url.as_path()).await;
    let good = found.usable && sharing == Sharing::Good && (found.fresh || !arguments.strict);
    if good { state } else { Exit::Failed }
}

/// What a probe found.
struct Found {
    /// No report is disabled, and the cache tables can be read.
    usable: bool,
    /// All reports are fresh, and the last run ended well.
    fresh: bool,
}

/// Probes VMS's database.
async fn probe(config: &RefreshConfig, whole: &Config, sharing: Sharing) -> Result<Found, VmsError> {
    let (vms, schema) = Vms::open_checked(&config.database, config.patience).await?;
    let path = vms.path().to_owned();
    let payload = disk_space::estimate(vms.reader()).await.ok();
    vms.close().await;
    let access = if sharing == Sharing::Good { "readable and writable" } else { "readable; see above" };
    print(&format!("VMS database {}: {access}\n", path.display()));
    if let Some(payload) = payload {
        print(&told_room(&path, payload));
    }
    let zone = whole.schedule.timezone;
    let clock = Arc::new(SystemClock::new());
    let looked = Freshness::look(config, whole.state.url.as_path(), zone, clock).await;
    let mut usable = looked.is_ok();
    let freshness = looked.unwrap_or_else(|error| {
        refuse(&describe(&error));
        Freshness::default()
    });
    for report in REPORTS {
        let availability = availability(*report, &schema, &config.settings);
        let told = availability.note().unwrap_or_else(|| freshness.of(report.table(), zone));
        usable &= !matches!(availability, Availability::Disabled(_));
        print(&format!("{:36} {told}\n", report.table()));
    }
    print(&freshness.notes);
    Ok(Found { usable, fresh: freshness.good })
}

/// Describes how much room a first refresh needs beside VMS's database.
fn told_room(path: &Path, payload: u64) -> String {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let needed = disk_space::refresh_needs(payload) >> 20;
    match disk_space::free(directory) {
        None => format!("Room for a first refresh: up to {needed} MB are needed\n"),
        Some(free) => {
            let enough = if free < disk_space::refresh_needs(payload) {
                ", which is not enough"
            } else if free < disk_space::comfortable(payload) {
                ", which is tight"
            } else {
                ""
            };
            format!(
                "Room for a first refresh: up to {needed} MB are needed, {} MB are free{enough}\n",
                free >> 20
            )
        }
    }
}

/// Whether the state database could be written, without creating anything.
async fn state(path: &Path) -> Exit {
    if let Err(error) = examine(path).await {
        return refuse(&describe(&error));
    }
    // SQLite creates files beside the database.
    let parent = first_existing(path.parent().unwrap_or(Path::new("/")));
    match rustix::fs::access(parent, rustix::fs::Access::WRITE_OK) {
        Ok(()) => {
            print(&format!("State database {}: writable\n", path.display()));
            Exit::Good
        }
        Err(error) => refuse(&format!(
            "the state database {} cannot be written: {error}; give its directory to the daemon's user or set state.url",
            path.display()
        )),
    }
}

fn first_existing(directory: &Path) -> &Path {
    directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"))
}
