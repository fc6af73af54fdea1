//! `notify`: sends a test notice through every configured channel.

use serde::{Deserialize, Serialize};

/// Request for a test notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifyRequest;

/// The result of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelResult {
    /// Its key in the configuration: `command`, `webhook`, `mail` or `ping_url`.
    pub channel: String,
    /// Why the test notice did not arrive, one line; `None` when it did.
    pub error: Option<String>,
}

/// Answer to `notify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyReply {
    /// Every configured channel; empty when there is none.
    pub channels: Vec<ChannelResult>,
}
