//! Authentication for the web interface: administrators of VMS, and holders of the operator's token.
//!
//! There are three ways to authenticate, each of which may be off:
//!
//! 1. VMS's own cookies. Its session cookie is signed with its `SECRET_KEY` and valid for some hours, its
//!    remember cookie is signed with the same key and valid for as long as the key. Both are only ever read:
//!    writing them is left to VMS.
//! 2. The operator's token: `Authorization: Bearer …`.
//! 3. An API token issued by VMS: `X-API-Token`.
//!
//! VMS's table `users` is queried with every request, so that a user who is demoted or deactivated there
//! loses access at once. An administrator is an active user with security level 3; VMS itself compares for
//! equality. A header that is an enabled way to authenticate decides alone: cookies are then ignored, so that
//! no request has two identities. The header or cookie of a way that is off has no effect.
//!
//! Without any credential, `http.open_viewing` allows clients on this machine to view.
//!
//! Failed attempts (a wrong signature or token; not one that has merely expired) are logged, counted by the
//! address of the client and eventually answered with "too many", without asking VMS. A valid credential is
//! accepted all the same: behind one address there is often a whole office, which must not be locked out by one
//! forgotten script. Only an API token that VMS has not confirmed since the start has to wait. The limit bounds the cost
//! of failed attempts; that nothing can be guessed is ensured by the length of keys and tokens.

mod authority;
mod cookies;
mod limit;
mod origin;
mod secrets;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;
mod visitor;

pub(crate) use authority::{Authority, WaysIn};
pub use cookies::session_user;
pub(crate) use origin::Peer;
pub(crate) use visitor::{Anonymous, Visitor, Way};
