//! The server from outside: real sockets, bytes in, bytes out. One mod per subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "shown for tests that fail, and the figures with --nocapture")]

mod access;
mod auth;
mod baidu_std;
mod bson;
mod command_lines;
mod connect;
mod custom_codec;
mod custom_protocol;
mod daemon;
mod deadlines;
mod descriptors;
mod details;
mod examples;
mod gob;
mod greeting_protocol;
mod hostile;
mod http2;
mod http_calls;
mod in_process;
mod json;
mod killed;
mod layers;
mod life;
mod limits;
mod line_protocol;
mod methods;
mod middleware;
mod msgpack;
mod one_port;
mod pages;
mod panics;
mod policy;
mod program;
mod protocols;
mod proxy_header;
mod replay;
mod sessions;
mod shutdown;
mod sniff;
mod systemd;
mod tidy;
mod tls;
mod unix;
