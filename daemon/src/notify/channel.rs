//! The channels over which a change of health is announced, and a test of each.

use super::notice::{Notice, host_name};
use super::ping::Signal;
use super::send::{NotifyError, call, start};
use crate::clock::Clock;
use crate::config::Notify;
use crate::fetch::Call;

/// A channel for announcements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// `notify.command`
    Command,
    /// `notify.webhook`
    Webhook,
}

impl Channel {
    /// The configuration key of the channel.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Webhook => "webhook",
        }
    }

    pub(super) const fn is_configured(self, config: &Notify) -> bool {
        match self {
            Self::Command => config.command.is_some(),
            Self::Webhook => config.webhook.is_some(),
        }
    }

    /// Sends the notice once; does nothing if the channel is not configured.
    pub(super) async fn send(
        self,
        config: &Notify,
        notice: &Notice,
        clock: &dyn Clock,
    ) -> Result<(), NotifyError> {
        match (self, &config.command, &config.webhook) {
            (Self::Command, Some(line), _) => start(line, &notice.text(), config.timeout, clock).await,
            (Self::Webhook, _, Some(url)) => call(url, Call::Post(notice.json()), config.timeout).await,
            (Self::Command, None, _) | (Self::Webhook, _, None) => Ok(()),
        }
    }
}

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
    let notice = Notice::test(&host_name(), clock.now());
    let channel = async |channel: Channel| {
        let result = channel.send(config, &notice, clock).await;
        channel.is_configured(config).then_some(Tried { channel: channel.as_str(), result })
    };
    let ping = async {
        let url = config.ping_url.as_ref()?;
        let result = call(url, Call::Get(Signal::Success.suffix()), config.timeout).await;
        Some(Tried { channel: "ping_url", result })
    };
    let (command, webhook, ping) = tokio::join!(channel(Channel::Command), channel(Channel::Webhook), ping);
    [command, webhook, ping].into_iter().flatten().collect()
}
