//! Who may use the web side: administrators of VMS, and whoever holds the operator's token.
//!
//! Three ways lead in, each of which may be off:
//!
//! 1. VMS's own cookies. Its session cookie is signed with its `SECRET_KEY` and good for some hours, its remember
//!    cookie is signed with the same key and good for as long as the key. Both are only ever read: writing them is
//!    VMS's business.
//! 2. A token of the operator's: `Authorization: Bearer …`.
//! 3. An API token that VMS issued: `X-API-Token`.
//!
//! VMS's table `users` is asked with every request, so that whoever is demoted or deactivated there is out at once.
//! An administrator is who is active and has security level 3; VMS itself compares for equality. A header that is one
//! of the ways in decides alone: who says who he is, is not also somebody else by a cookie. Where a way is off, its
//! header or cookie means nothing.
//!
//! Without any credential, `http.open_viewing` lets callers of this machine look.
//!
//! Failed attempts (a signature or a token that is wrong; not one that is merely out of date) are logged, counted by
//! the address of the client and at some point answered by "too many". A right credential passes all the same: behind
//! one address there is often a whole office, which must not be locked out by one forgotten script. The limit bounds
//! what failing costs; that nothing can be guessed is a matter of the length of keys and tokens.

mod address;
mod authority;
mod bearer;
mod cookies;
mod csrf;
mod hosts;
mod limit;
mod mac;
mod open;
mod remember;
mod seal;
mod session;
#[cfg(test)]
mod tests;
mod users;
mod visitor;
mod vms_users;

pub(crate) use authority::{Authority, WaysIn};
pub(crate) use users::Users;
pub(crate) use visitor::{Anonymous, Visitor, Way};
pub(crate) use vms_users::VmsUsers;
