//! The channels over which a change of health is announced.

use super::command;
use super::error::NotifyError;
use super::http::{self, Call};
use super::notice::Notice;
use crate::clock::Clock;
use crate::config::Notify;

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
    pub(super) async fn tell(
        self,
        config: &Notify,
        notice: &Notice,
        clock: &dyn Clock,
    ) -> Result<(), NotifyError> {
        match (self, &config.command, &config.webhook) {
            (Self::Command, Some(line), _) => {
                command::start(line, &notice.text(), config.timeout, clock).await
            }
            (Self::Webhook, _, Some(url)) => http::call(url, Call::Post(notice.json()), config.timeout).await,
            (Self::Command, None, _) | (Self::Webhook, _, None) => Ok(()),
        }
    }
}
