//! The `notify` request, sent through the socket, and what the mornings after good and bad nights are told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cached::clock::Clock as _;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::notify::NotifyReply;
use chrono::{DateTime, Utc};

use crate::boot::{Home, ask, finished, queued, until, within};
use crate::passing::LOOPS;

async fn notify(home: &Home) -> NotifyReply {
    let daemon = home.boot().await;
    match ask(&daemon, Request::NotifyTest).await {
        Reply::Notify(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_test_without_channels_returns_an_empty_list() {
    assert_eq!(notify(&Home::new()).await.channels, []);
}

#[tokio::test]
async fn every_configured_channel_is_tested_and_no_secret_is_shown() {
    let mut home = Home::new();
    // No process listens on that port any more.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = home.path("cached.toml");
    let webhook = format!("[notify]\nwebhook = \"http://me:hunter2@{nobody}/hunter2?token=hunter2\"\n");
    std::fs::write(&file, webhook).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mail = home.path("mail");
    home.set("notify", "command", &format!("/bin/sh -c 'cat > \"$1\"' sh \"{}\"", mail.display()));
    home.set("notify", "ping_url", &format!("http://{nobody}/hunter2"));
    let channels = notify(&home).await.channels;
    let names: Vec<&str> = channels.iter().map(|channel| channel.channel.as_str()).collect();
    assert_eq!(names, ["command", "webhook", "ping_url"]);
    assert_eq!(channels[0].error, None);
    for channel in &channels[1..] {
        let error = channel.error.as_deref().unwrap();
        assert!(error.contains(&nobody.to_string()) && !error.contains("hunter2"), "{error}");
    }
    assert!(std::fs::read_to_string(mail).unwrap().contains("test: this is a test"));
}

/// What a command was told that appends each notice to a file.
struct Told(PathBuf);

impl Told {
    /// The command: it notes its process before it appends the notice.
    fn command(&self) -> String {
        let (told, processes) = (self.0.display(), self.processes().display().to_string());
        format!("/bin/sh -c 'echo $$ >> \"$2\"; cat >> \"$1\"' sh \"{told}\" \"{processes}\"")
    }

    fn processes(&self) -> PathBuf {
        self.0.with_extension("processes")
    }

    /// Whether the daemon has seen each command end. One that it waits for is repeated when the clock passes its time limit.
    fn are_over(&self) -> bool {
        let processes = std::fs::read_to_string(self.processes()).unwrap_or_default();
        !processes.lines().any(|process| Path::new("/proc").join(process).exists())
    }

    /// The first notice below which `part` stands, without the version. Waits until there is one, and every command has
    /// ended.
    async fn with(&self, part: &str) -> String {
        let notices = || std::fs::read_to_string(&self.0).unwrap_or_default();
        until(part, || notices().contains(part) && self.are_over()).await;
        let text = notices().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let blocks = text.split("cached on ").skip(1).map(|block| block.split_once(": ").unwrap().1);
        blocks.filter(|block| block.contains(part)).map(str::to_owned).next().unwrap()
    }
}

/// Lets the time pass in steps that every loop acts on, the one that waits for the morning among them.
async fn pass_until(home: &Home, end: &str) {
    let end: DateTime<Utc> = end.parse().unwrap();
    while home.clock.now() < end {
        let step = (end - home.clock.now()).to_std().unwrap().min(Duration::from_mins(30));
        within("every loop waits", home.clock.sleeping(LOOPS + 1)).await;
        home.clock.advance(step);
    }
    within("every loop waits", home.clock.sleeping(LOOPS + 1)).await;
}

#[tokio::test]
async fn each_morning_tells_what_the_night_did_and_what_to_type() {
    let mut home = Home::lived_in().await;
    let told = Told(home.path("told"));
    home.set("notify", "command", &told.command());
    home.set("notify", "morning", "08:00");
    home.set("notify", "timeout", "10m");
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    // Run 2 tops up the windows of a new day, which begins at midnight, UTC.
    pass_until(&home, "2026-03-11T00:30:00Z").await;
    queued(&daemon, 2).await;
    finished(&daemon, 2).await;
    // To 02:00 in Chicago, then to 08:00.
    pass_until(&home, "2026-03-11T07:00:00Z").await;
    queued(&daemon, 3).await;
    finished(&daemon, 3).await;
    pass_until(&home, "2026-03-11T13:00:00Z").await;
    insta::assert_snapshot!(told.with("at 2026-03-11T13:00:00Z").await, @r"
    All 10 tables are fresh; next refresh Thu 12 Mar 02:00 CDT
    Run 3 (schedule, Wed 11 Mar 02:00 CDT) verified in 0.00 s: 10 tables, 0 entries rebuilt, 308 kept
    at 2026-03-11T13:00:00Z, version VERSION
    ");
    // VMS's file is not there during the night.
    std::fs::rename(home.path("vms.db"), home.path("away.db")).unwrap();
    pass_until(&home, "2026-03-12T07:00:00Z").await;
    pass_until(&home, "2026-03-12T13:00:00Z").await;
    let bad = told.with("at 2026-03-12T13:00:00Z").await;
    for part in [
        "unhealthy: The VMS database cannot be read; next refresh Fri 13 Mar 02:00 CDT\nRun 4 (schedule, Thu 12 Mar 02:",
        ": 10 tables, 0 entries rebuilt, 0 kept; 10 tables not refreshed\n",
        "\ndatabase_unreachable: the VMS database ",
        " | to do: `cached check` tries again",
        "\nlast_run_failed: ",
    ] {
        assert!(bad.contains(part), "{part}: {bad}");
    }
    std::fs::rename(home.path("away.db"), home.path("vms.db")).unwrap();
    assert!(matches!(ask(&daemon, Request::StopScheduler).await, Reply::Scheduler(_)));
    pass_until(&home, "2026-03-13T13:00:00Z").await;
    let paused = told.with("at 2026-03-13T13:00:00Z").await;
    for part in ["; the scheduler is stopped\n", "| to do: `cachectl start-scheduler`"] {
        assert!(paused.contains(part), "{part}: {paused}");
    }
    let text = std::fs::read_to_string(&told.0).unwrap();
    let mornings = text.lines().filter(|line| line.starts_with("at 2026-03-")).count();
    assert_eq!(mornings, 3, "{text}");
}
