//! MessagePack as `hashicorp/net-rpc-msgpackrpc` frames it: a request or reply is two values back to back, a header
//! and a body.
//!
//! Bytes come in through [`RequestDecoder`] (server) or [`ReplyDecoder`] (client), which find the ends of the two
//! values and read the header; the body waits in the message until [`value_from_slice`] decodes it straight into the
//! wanted type. [`ReplyEncoder`] and [`RequestEncoder`] go the other way. Nothing here knows services or sockets.
//!
//! The serializer and the deserializer are our own, not those of crate `rmp-serde`, which judges them in the tests: Go
//! strings need not be UTF-8, a time has one of [several forms](TimeForm), a nil or an absent member is Go's zero value,
//! and no list is given room before its elements have arrived.
//! Source: MessagePack specification; `hashicorp/net-rpc-msgpackrpc` `codec.go` on `hashicorp/go-msgpack`.

mod de;
mod header;
mod read;
mod reply;
mod request;
mod scan;
mod ser;
#[cfg(test)]
mod tests;
mod time;
mod write;

pub use de::{value_from_peer_within, value_from_slice, value_from_slice_within};
pub use reply::{ReplyDecoder, ReplyEncoder};
pub use request::{RequestDecoder, RequestEncoder};
pub use time::{PeerTimes, TimeForm};

/// The word in `/_msgpack_rpc_`.
pub const NAME: &str = "msgpack";

/// Levels of values a body may have inside one another, even if the limits of its connection allow more.
const MAX_DEPTH: usize = 100;
