//! vitess' `bsonrpc`: a request or reply is two BSON documents back to back, a header and a body.
//!
//! Bytes come in through [`RequestDecoder`] (server) or [`ReplyDecoder`] (client), which frame them and read the
//! header by hand; the body waits in the message until [`value_from_slice`] decodes it straight into the wanted
//! type. [`ReplyEncoder`] and [`RequestEncoder`] go the other way. Nothing here knows services or sockets.
//! Source: vitess `go/bson` and `go/rpcwrap/bsonrpc`; kinds of element as in the BSON specification 1.1, plus
//! vitess' own 0x3F.

mod crate_types;
mod de;
mod dialect;
mod header;
mod kind;
mod read;
mod reply;
mod request;
mod ser;
#[cfg(test)]
mod tests;
mod time;

pub use de::{value_from_slice, value_from_slice_within};
pub use dialect::{BsonDialect, Dialect, Head, Request};
pub use reply::{ReplyDecoder, ReplyEncoder};
pub use request::{RequestDecoder, RequestEncoder};

/// The word in `/_bson_rpc_`.
pub const NAME: &str = "bson";

/// The key of a value that is no document of its own: `{_Val_: 5}`. Source: vitess `go/bson` `MAGICTAG`.
const VAL: &str = "_Val_";

/// Levels of documents a value may have; the original has no limit and dies at some millions.
const MAX_DEPTH: usize = 100;
