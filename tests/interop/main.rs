//! Other implementations judge the server.
//!
//! Each test starts the example `conformance` on free ports, runs one real peer against it to its end, and shows what
//! the peer and the server said if the peer was not content. The peers are programs that a Rust toolchain does not
//! bring, so plain `cargo test` lists these tests as ignored; `tests/run` installs the peers and runs all of them, and
//! there a missing one is a failure.

mod conformance;
mod curl;
mod go;
mod haproxy;
mod jprotobuf;
mod python;
