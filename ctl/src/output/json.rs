//! JSON output, for scripts and for people.

use cached_proto::json;
use serde::Serialize;

use crate::error::CtlError;

/// Renders the value as indented JSON with a newline at its end.
pub(crate) fn render<T: Serialize>(value: &T) -> Result<String, CtlError> {
    json::pretty(value).map_err(CtlError::Json)
}
