//! The codecs known by name, and the readers and writers each makes for a new connection.
//!
//! Above all formats: the enums here let arguments go straight into the handler's type without a virtual call. They
//! only hand on; each format's rules live in its own module.

/// `Debug` of an enum over all codecs, and what more it has; says which one it is and nothing of what is inside.
macro_rules! debug_by_codec {
    ($type:ident $(, #[$when:meta] $more:ident $name:literal)?) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let codec = match self {
                    Self::Json(..) => "json",
                    #[cfg(feature = "bson")]
                    Self::Bson(..) => "bson",
                    #[cfg(feature = "gob")]
                    Self::Gob(..) => "gob",
                    #[cfg(feature = "msgpack")]
                    Self::Msgpack(..) => "msgpack",
                    $(#[$when] Self::$more(..) => $name,)?
                    Self::Custom(..) => "custom",
                };
                write!(f, concat!(stringify!($type), "({})"), codec)
            }
        }
    };
}

mod args;
mod body;
mod client;
mod reply_to;
mod request;
mod server;

pub use args::Args;
pub use client::{ReplyReader, RequestWriter};
pub use reply_to::{ReplyTo, Saved};
pub use request::AnyRequest;
pub use server::{AnyServerCodec, CodecPair, ServerCodec};

use crate::{
    codec::{Codec, Limits},
    json,
};
use std::{fmt, sync::Arc};

/// A codec, built in or brought by the program.
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyCodec {
    /// Go's `net/rpc/jsonrpc`: JSON-RPC 1.0 objects.
    Json,
    #[cfg(feature = "bson")]
    /// vitess' `bsonrpc`: two BSON documents.
    Bson(crate::bson::BsonDialect),
    #[cfg(feature = "gob")]
    /// Go's own `net/rpc`: gob, with a table of types for each direction of each connection.
    Gob,
    #[cfg(feature = "msgpack")]
    /// MessagePack, as `hashicorp/net-rpc-msgpackrpc`.
    Msgpack,
    #[cfg(feature = "msgpack")]
    /// The same, with times in this form: a client's own, and a server's to peers that have sent none.
    MsgpackTimes(crate::msgpack::TimeForm),
    /// A program's own.
    Custom(Arc<dyn Codec>),
}

impl AnyCodec {
    /// The word in `/_<name>_rpc_`.
    pub fn name(&self) -> &str {
        match self {
            Self::Json => json::NAME,
            #[cfg(feature = "bson")]
            Self::Bson(_) => crate::bson::NAME,
            #[cfg(feature = "gob")]
            Self::Gob => crate::gob::NAME,
            #[cfg(feature = "msgpack")]
            Self::Msgpack | Self::MsgpackTimes(_) => crate::msgpack::NAME,
            Self::Custom(codec) => codec.name(),
        }
    }

    /// The server's side of one new connection.
    pub fn server(&self, limits: Limits) -> AnyServerCodec {
        match self {
            Self::Json => AnyServerCodec::Json(CodecPair::new(json::RequestDecoder::new(limits))),
            #[cfg(feature = "bson")]
            Self::Bson(dialect) => {
                AnyServerCodec::Bson(CodecPair::new(crate::bson::RequestDecoder::new(limits, *dialect)))
            }
            #[cfg(feature = "gob")]
            Self::Gob => AnyServerCodec::Gob(CodecPair::new(crate::gob::RequestDecoder::new(limits))),
            #[cfg(feature = "msgpack")]
            Self::Msgpack => {
                AnyServerCodec::Msgpack(CodecPair::new(crate::msgpack::RequestDecoder::new(limits)))
            }
            #[cfg(feature = "msgpack")]
            Self::MsgpackTimes(times) => {
                let decoder = crate::msgpack::RequestDecoder::with_times(limits, *times);
                AnyServerCodec::Msgpack(CodecPair::new(decoder))
            }
            Self::Custom(codec) => AnyServerCodec::Custom(CodecPair {
                decoder: codec.request_decoder(limits),
                encoder: codec.reply_encoder(),
            }),
        }
    }

    /// A client's writing half for one new connection.
    pub fn request_writer(&self) -> RequestWriter {
        match self {
            Self::Json => RequestWriter::Json(json::RequestEncoder::new()),
            #[cfg(feature = "bson")]
            Self::Bson(crate::bson::BsonDialect::Always(dialect)) => {
                RequestWriter::Bson(crate::bson::RequestEncoder::new(*dialect))
            }
            #[cfg(feature = "bson")]
            Self::Bson(crate::bson::BsonDialect::Auto) => {
                RequestWriter::Bson(crate::bson::RequestEncoder::new(crate::bson::Dialect::Vitess))
            }
            #[cfg(feature = "gob")]
            Self::Gob => RequestWriter::Gob(Box::default()),
            #[cfg(feature = "msgpack")]
            Self::Msgpack => RequestWriter::Msgpack(crate::msgpack::RequestEncoder::new()),
            #[cfg(feature = "msgpack")]
            Self::MsgpackTimes(times) => {
                RequestWriter::Msgpack(crate::msgpack::RequestEncoder::with_times(*times))
            }
            Self::Custom(codec) => RequestWriter::Custom(codec.request_encoder()),
        }
    }

    /// A client's reading half for one new connection.
    pub fn reply_reader(&self, limits: Limits) -> ReplyReader {
        match self {
            Self::Json => ReplyReader::Json(json::ReplyDecoder::new(limits)),
            #[cfg(feature = "bson")]
            Self::Bson(_) => ReplyReader::Bson(crate::bson::ReplyDecoder::new(limits)),
            #[cfg(feature = "gob")]
            Self::Gob => ReplyReader::Gob(Box::new(crate::gob::ReplyDecoder::new(limits))),
            #[cfg(feature = "msgpack")]
            Self::Msgpack | Self::MsgpackTimes(_) => {
                ReplyReader::Msgpack(crate::msgpack::ReplyDecoder::new(limits))
            }
            Self::Custom(codec) => ReplyReader::Custom(codec.reply_decoder(limits)),
        }
    }
}

impl fmt::Debug for AnyCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
