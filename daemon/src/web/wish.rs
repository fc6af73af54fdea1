//! A refresh requested through the web: what it covers, and whether there was nothing to do.

use axum::http::StatusCode;
use cached_present::count;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::words::{CacheType, Outcome, Table};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::WebFault;
use crate::jobs::{Policy, RefreshScope};

/// What the body of a refresh may hold. A key that is not known is refused: a misspelt `force` must not be a refresh
/// without it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Wish)]
pub(crate) struct Given {
    /// VMS's own key: one type, or `all`.
    #[schema(pattern = "^(all|district|organization|virtual_session|volunteer|recruitment)$")]
    cache_type: Option<String>,
    #[schema(value_type = Vec<CacheType>)]
    types: Vec<String>,
    #[schema(value_type = Vec<Table>)]
    tables: Vec<String>,
    /// Also what is young.
    force: bool,
    /// Also what the guard holds back.
    accept: bool,
}

/// A requested refresh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    types: Vec<CacheType>,
    tables: Vec<Table>,
    force: bool,
    accept: bool,
}

impl Wish {
    /// Parses what a form or VMS's own page sends: a type, or `all`.
    pub(crate) fn of_type(cache_type: &str) -> Result<Self, WebFault> {
        let types = if cache_type == "all" { Vec::new() } else { vec![known_type(cache_type)?] };
        Ok(Self { types, ..Self::default() })
    }

    /// Parses our own form: any number of types, or `all`. As in VMS, no type means everything.
    pub(crate) fn from_form(fields: &[(String, String)]) -> Result<Self, WebFault> {
        let named =
            || fields.iter().filter(|(name, _)| name == "cache_type").map(|(_, value)| value.as_str());
        let mut wish = Self::default();
        if !named().any(|name| name == "all") {
            wish.types = named().map(known_type).collect::<Result<_, _>>()?;
            wish.types.sort_unstable();
            wish.types.dedup();
        }
        wish.with_switches(fields)
    }

    fn with_switches(mut self, fields: &[(String, String)]) -> Result<Self, WebFault> {
        for (name, value) in fields {
            match name.as_str() {
                "cache_type" | "csrf_token" => {}
                "force" => self.force = switched(name, value)?,
                "accept" => self.accept = switched(name, value)?,
                _ => {
                    let error = format!("Unknown field: {name}");
                    return Err(WebFault::new(StatusCode::BAD_REQUEST, error)
                        .hint("the fields are cache_type, force and accept"));
                }
            }
        }
        Ok(self)
    }

    /// Parses the JSON body that a script sends.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, WebFault> {
        let refuse = |error: serde_json::Error| {
            WebFault::new(StatusCode::BAD_REQUEST, format!("the body cannot be used: {error}"))
                .hint(r#"send an object such as {"cache_type": "district", "force": true}"#)
        };
        // Serde would accept an array as the fields in their order.
        let value: serde_json::Value = serde_json::from_slice(body).map_err(refuse)?;
        if !value.is_object() {
            return Err(WebFault::new(StatusCode::BAD_REQUEST, "the body must be a JSON object"));
        }
        let given: Given = serde_json::from_value(value).map_err(refuse)?;
        let mut wish = given.cache_type.as_deref().map_or_else(|| Ok(Self::default()), Self::of_type)?;
        for name in &given.types {
            wish.types.push(known_type(name)?);
        }
        for name in &given.tables {
            let unknown = |_| WebFault::new(StatusCode::BAD_REQUEST, format!("Unknown table: {name}"));
            wish.tables.push(name.parse().map_err(unknown)?);
        }
        wish.types.sort_unstable();
        wish.types.dedup();
        Ok(Self { force: given.force, accept: given.accept, ..wish })
    }

    /// The request to pass to the verb.
    pub(crate) fn request(&self) -> RefreshRequest {
        RefreshRequest {
            types: self.types.clone(),
            tables: self.tables.clone(),
            force: self.force,
            accept: self.accept,
            wait: false,
        }
    }

    /// The requested types as VMS writes them: `All`, `District`, `Virtual_Session`.
    pub(crate) fn title(&self) -> String {
        let names: Vec<&str> = self.types.iter().map(|t| t.as_str()).collect();
        let names: Vec<&str> = names.into_iter().chain(self.tables.iter().map(|t| t.as_str())).collect();
        if names.is_empty() {
            "All".to_owned()
        } else {
            names.into_iter().map(titled).collect::<Vec<_>>().join(", ")
        }
    }
}

fn known_type(name: &str) -> Result<CacheType, WebFault> {
    name.parse().map_err(|_| {
        let known: Vec<&str> = CacheType::ALL.iter().map(|t| t.as_str()).collect();
        WebFault::new(StatusCode::BAD_REQUEST, format!("Unknown cache type: {name}"))
            .hint(format!("use all, {}", known.join(", ")))
    })
}

fn switched(name: &str, value: &str) -> Result<bool, WebFault> {
    match value {
        "1" | "true" | "on" => Ok(true),
        "0" | "false" | "" => Ok(false),
        _ => Err(WebFault::new(StatusCode::BAD_REQUEST, format!("{name} is either 0 or 1"))),
    }
}

fn titled(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("_")
}

/// Why a run had nothing to do; `None` for a run that did something. Entries are young for `young` hours.
pub(super) fn nothing_to_do(run: &Run, young: u32) -> Option<String> {
    (run.outcome == Some(Outcome::Skipped)).then(|| match Policy::of(run.trigger, false).scope {
        RefreshScope::Expiring => {
            "nothing to do: every entry lasts until the next scheduled refresh".to_owned()
        }
        _ => format!("nothing to do: every entry is younger than {}", count(young, "hour")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_of_a_request_is_written_as_vms_writes_it() {
        for (body, title) in [
            ("{}", "All"),
            (r#"{"cache_type": "all"}"#, "All"),
            (r#"{"cache_type": "virtual_session"}"#, "Virtual_Session"),
            (r#"{"cache_type": "district", "types": ["volunteer", "district"]}"#, "District, Volunteer"),
            (r#"{"tables": ["dia_events_report_cache"], "force": true}"#, "Dia_Events_Report_Cache"),
        ] {
            assert_eq!(Wish::from_json(body.as_bytes()).unwrap().title(), title, "{body}");
        }
    }

    #[test]
    fn unknown_types_tables_and_fields_are_refused() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            r#""all""#,
            r#"{"cache_type": 7}"#,
            r#"{"cache_type": ""}"#,
            r#"{"types": ["all"]}"#,
            r#"{"tables": ["events"]}"#,
            r#"{"forse": true}"#,
            r#"{"force": "yes"}"#,
        ] {
            Wish::from_json(body.as_bytes()).unwrap_err();
        }
    }
}
