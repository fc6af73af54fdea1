//! The web side: the status page and its JSON endpoints.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the server that asks is added beside it"))]
pub(crate) mod auth;
