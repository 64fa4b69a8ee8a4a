//! The server from outside: real sockets, bytes in, bytes out. One mod per subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bson;
mod connect;
mod json;
mod replay;
mod sessions;
