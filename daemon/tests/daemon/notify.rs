//! The `notify` request, sent through the socket.

use std::os::unix::fs::PermissionsExt as _;

use cached_proto::message::{Reply, Request};
use cached_proto::verb::notify::NotifyReply;

use crate::boot::{Home, ask};

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
