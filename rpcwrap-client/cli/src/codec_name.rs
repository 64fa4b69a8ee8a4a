//! The codecs by the names the command line gives them.

use clap::ValueEnum;
use rpcwrap_client::{AnyCodec, BsonDialect};

/// What `--codec` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecChoice {
    /// Whichever the server answers
    Auto,
    Json,
    Bson,
    Gob,
    Msgpack,
}

impl CodecChoice {
    /// The codec, unless it is to be found out.
    pub(crate) fn codec(self) -> Option<CodecName> {
        match self {
            Self::Auto => None,
            Self::Json => Some(CodecName::Json),
            Self::Bson => Some(CodecName::Bson),
            Self::Gob => Some(CodecName::Gob),
            Self::Msgpack => Some(CodecName::Msgpack),
        }
    }
}

/// The codecs of the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodecName {
    Json,
    Bson,
    Gob,
    Msgpack,
}

impl CodecName {
    /// In the order in which they are tried.
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Gob, Self::Bson, Self::Msgpack];
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
