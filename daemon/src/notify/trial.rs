//! Sends a test notice through every configured channel, on request.

use chrono::{DateTime, Utc};

use super::channel::Channel;
use super::error::NotifyError;
use super::http::{self, Call};
use super::notice::{Notice, host_name};
use super::ping::Signal;
use crate::clock::Clock;
use crate::config::Notify;

/// The result of one channel.
#[derive(Debug)]
pub(crate) struct Tried {
    /// Its key in the `[notify]` section.
    pub(crate) channel: &'static str,
    /// Whether the test arrived, according to the receiver.
    pub(crate) result: Result<(), NotifyError>,
}

/// Tries each configured channel once, all at the same time. The dead man's switch gets a success signal,
/// since that is the only one that every such service supports.
pub(crate) async fn try_all(config: &Notify, clock: &dyn Clock) -> Vec<Tried> {
    let notice = test_notice(clock.now());
    let channel = async |channel: Channel| {
        let result = channel.tell(config, &notice, clock).await;
        channel.is_configured(config).then_some(Tried { channel: channel.as_str(), result })
    };
    let ping = async {
        let url = config.ping_url.as_ref()?;
        let result = http::call(url, Call::Get(Signal::Success.suffix()), config.timeout).await;
        Some(Tried { channel: "ping_url", result })
    };
    let (command, webhook, ping) = tokio::join!(channel(Channel::Command), channel(Channel::Webhook), ping);
    [command, webhook, ping].into_iter().flatten().collect()
}

fn test_notice(at: DateTime<Utc>) -> Notice {
    Notice::test(&host_name(), at)
}
