//! Go's `encoding/gob` as `net/rpc` uses it: a stream of definitions and values, two values per message.
//!
//! [`wire`] reads and writes scalars, [`types`] keeps the types a peer has defined.
//! Source: Go `encoding/gob`, `net/rpc`.
#![allow(dead_code, reason = "the parts that use these follow")]

mod types;
mod wire;

pub use types::Types;

/// The word in `/_gob_rpc_`; Go's own path is `/_goRPC_`.
pub const NAME: &str = "gob";
