//! The channels over which a notice is sent, and a test of each.

use futures_util::future::join_all;

use super::format;
use super::machine::Machine;
use super::mail;
use super::notice::Notice;
use super::ping::Signal;
use super::send::{NotifyError, call, start};
use crate::clock::Clock;
use crate::config::Notify;
use crate::fetch::Call;

/// A channel for notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// `notify.command`
    Command,
    /// `notify.webhook`
    Webhook,
    /// `notify.mail`
    Mail,
}

impl Channel {
    pub(super) const ALL: [Self; 3] = [Self::Command, Self::Webhook, Self::Mail];

    /// The configuration key of the channel.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }

    pub(super) const fn is_configured(self, config: &Notify) -> bool {
        match self {
            Self::Command => config.command.is_some(),
            Self::Webhook => config.webhook.is_some(),
            Self::Mail => config.mail.is_some(),
        }
    }

    /// Sends the notice once; does nothing if the channel is not configured.
    pub(super) async fn send(
        self,
        config: &Notify,
        notice: &Notice,
        machine: &Machine,
        clock: &dyn Clock,
    ) -> Result<(), NotifyError> {
        match self {
            Self::Command => {
                let Some(line) = &config.command else { return Ok(()) };
                start(line.program().as_ref(), line.arguments(), &notice.text(), config.timeout, clock).await
            }
            Self::Webhook => {
                let Some(url) = &config.webhook else { return Ok(()) };
                call(url, Call::Post(format::content(config.format, notice)), config.timeout).await
            }
            Self::Mail => {
                let Some(to) = &config.mail else { return Ok(()) };
                let message = mail::message(notice, to, &machine.host);
                start(machine.sendmail()?, mail::ARGUMENTS, &message, config.timeout, clock).await
            }
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
pub(crate) async fn try_all(config: &Notify, machine: &Machine, clock: &dyn Clock) -> Vec<Tried> {
    let notice = Notice::test(&machine.host, clock.now());
    let configured = Channel::ALL.into_iter().filter(|channel| channel.is_configured(config));
    let channels = join_all(configured.map(|channel| {
        let notice = &notice;
        async move {
            let result = channel.send(config, notice, machine, clock).await;
            Tried { channel: channel.as_str(), result }
        }
    }));
    let ping = async {
        let url = config.ping_url.as_ref()?;
        let result = call(url, Call::Get(Signal::Success.suffix()), config.timeout).await;
        Some(Tried { channel: "ping_url", result })
    };
    let (channels, ping) = tokio::join!(channels, ping);
    channels.into_iter().chain(ping).collect()
}
