//! The codecs by the names the command line gives them.

use clap::ValueEnum;
use rpcwrap_client::{AnyCodec, BsonDialect};

/// The codecs of the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecName {
    Json,
    Bson,
    Gob,
    Msgpack,
}

impl From<CodecName> for AnyCodec {
    fn from(name: CodecName) -> Self {
        match name {
            CodecName::Json => Self::Json,
            CodecName::Bson => Self::Bson(BsonDialect::default()),
            CodecName::Gob => Self::Gob,
            CodecName::Msgpack => Self::Msgpack,
        }
    }
}
