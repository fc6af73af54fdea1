//! The types of values that are more than a number or a text.

mod byte_size;
mod command_line;
mod cron_expr;
mod database_path;
mod network;
mod secret_file;
mod url;
mod web_name;
mod word;

pub use byte_size::ByteSize;
pub use command_line::CommandLine;
pub use cron_expr::CronExpr;
pub use database_path::DatabasePath;
pub use network::Network;
pub use secret_file::SecretFile;
pub use url::{Url, WebOrigin};
pub use web_name::{CookieName, HostName};
pub use word::{LogLevel, Mode};
