//! The ways a change of health is told.

use super::command;
use super::error::NotifyError;
use super::http::{self, Call};
use super::notice::Notice;
use crate::clock::Clock;
use crate::config::Notify;

/// A way to tell a change of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// `notify.command`
    Command,
    /// `notify.webhook`
    Webhook,
}

impl Channel {
    /// The name of its key.
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

    /// Tells it, once; a channel that is not configured has nothing to do.
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
