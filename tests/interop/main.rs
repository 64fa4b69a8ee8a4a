//! Other implementations judge the server, and serve the client.
//!
//! Most tests start the example `conformance` on free ports, run one real peer against it to its end, and show what
//! the peer and the server said if the peer was not content. The peers are programs that a Rust toolchain does not
//! bring, so plain `cargo test` lists these tests as ignored; `tests/run` installs the peers and runs all of them, and
//! there a missing one is a failure.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod browser;
mod conformance;
mod curl;
mod embedded;
mod framed;
mod go;
mod go_server;
mod gob;
mod gob_values;
mod grpc;
mod haproxy;
mod http;
mod jprotobuf;
mod msgpack;
mod python;
mod redis;
mod rolling;
mod tls;
