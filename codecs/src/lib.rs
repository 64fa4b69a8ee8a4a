//! Wire formats of Go-RPC: bytes in, messages out.
//!
//! This crate cannot do I/O: it knows no runtime, no sockets and no clock. Servers and clients share it.

pub mod any;
pub mod baidu_std;
pub mod body;
pub mod bson;
pub mod codec;
pub mod compress;
pub mod connect;
pub mod cram_md5;
mod error;
pub mod gob;
pub mod json;
mod message;
pub mod msgpack;
pub mod proxy_header;
pub mod rows;
pub mod schema;
mod serde_methods;
pub mod text;
mod two_part;
pub mod types;
mod zero;

pub use any::{AnyCodec, AnyRequest, AnyServerCodec, Args, ReplyReader, ReplyTo, RequestWriter, ServerCodec};
pub use bson::{BsonDialect, Dialect};
pub use codec::{CallOptions, Codec, Limits};
pub use error::{DecodeError, EncodeError, ValueError};
pub use message::{END_OF_STREAM, ErrorReply, Head, HeadExtension, Reply, Request};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
