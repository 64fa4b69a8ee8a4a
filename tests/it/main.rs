//! The server from outside: real sockets, bytes in, bytes out. One mod per subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod auth;
mod bson;
mod connect;
mod deadlines;
mod details;
mod json;
mod methods;
mod panics;
mod replay;
mod sessions;
