//! The server from outside: real sockets, bytes in, bytes out. One mod per subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod auth;
mod bson;
mod connect;
mod custom_codec;
mod custom_protocol;
mod deadlines;
mod details;
mod http_calls;
mod in_process;
mod json;
mod limits;
mod methods;
mod pages;
mod panics;
mod replay;
mod sessions;
mod shutdown;
mod unix;
