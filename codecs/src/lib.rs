//! Wire formats of Go-RPC: bytes in, messages out.
//!
//! This crate cannot do I/O: it knows no runtime, no sockets and no clock. Servers and clients share it. Each codec but
//! JSON is a cargo feature, and so are `baidu_std` and `resp`.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]
#![cfg_attr(
    not(all(
        feature = "baidu_std",
        feature = "bson-types",
        feature = "gob",
        feature = "msgpack",
        feature = "resp"
    )),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        unused_variables,
        reason = "what the features that are left out need"
    )
)]

mod again;
pub mod any;
#[cfg(feature = "baidu_std")]
pub mod baidu_std;
pub mod body;
#[cfg(feature = "bson")]
pub mod bson;
mod budget;
pub mod codec;
pub mod compress;
pub mod connect;
pub mod cram_md5;
#[cfg(any(feature = "bson", feature = "msgpack"))]
mod de_error;
mod error;
mod form;
#[cfg(feature = "gob")]
pub mod gob;
pub mod json;
mod log_text;
mod message;
#[cfg(feature = "msgpack")]
pub mod msgpack;
pub mod proxy_header;
#[cfg(feature = "resp")]
pub mod resp;
pub mod rows;
pub mod schema;
mod serde_methods;
pub mod text;
#[cfg(any(feature = "bson", feature = "gob", feature = "msgpack"))]
mod two_part;
pub mod types;
mod zero;

pub use any::{AnyCodec, AnyRequest, AnyServerCodec, Args, ReplyReader, ReplyTo, RequestWriter, ServerCodec};
#[cfg(feature = "bson")]
pub use bson::{BsonDialect, Dialect};
pub use codec::{CallOptions, Codec, Decoding, Limits};
pub use error::{DecodeError, EncodeError, ValueError};
pub use log_text::LogText;
pub use message::{END_OF_STREAM, ErrorReply, Head, HeadExtension, Reply, Request};
#[cfg(feature = "msgpack")]
pub use msgpack::TimeForm;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
