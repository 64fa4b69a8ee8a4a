//! Go's `net/rpc/jsonrpc`: JSON-RPC 1.0 objects back to back, replies with a newline behind each.
//!
//! Request `{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":0}`, reply `{"id":0,"result":56,"error":null}`.
//! Decoding goes in two steps: [`RequestDecoder`] and [`ReplyDecoder`] find whole objects and the members of the
//! envelope, [`params_from_slice`] and [`value_from_slice`] later read the value in them straight into its type.
//! Knows nothing of services, sockets or of the other formats.
//! Source: Go `net/rpc/jsonrpc`, `encoding/json`; vitess `go/rpcwrap/jsonrpc`.

mod access;
mod cursor;
mod de;
mod de_error;
mod head;
mod keys;
mod plain;
mod reply;
mod request;
mod scan;
mod ser;
mod text;

pub(crate) use de::value_within;
pub use de::{params_from_slice, params_from_slice_within, value_from_slice, value_from_slice_within};
pub use head::{Head, Id, Request};
pub use reply::{ReplyDecoder, ReplyEncoder};
pub use request::{RequestDecoder, RequestEncoder};
pub(crate) use ser::object_to_buf;
pub use ser::value_to_buf;

/// The word in `/_json_rpc_`.
pub const NAME: &str = "json";

#[cfg(test)]
mod tests;
