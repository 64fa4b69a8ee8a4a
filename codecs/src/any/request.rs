//! A request of any codec.

use crate::{json, message::Request};
use std::time::Duration;

/// One call as a server reads it, of any codec: see [`Request`].
#[derive(Debug, Clone)]
pub enum AnyRequest {
    /// With a JSON id.
    Json(json::Request),
    #[cfg(feature = "bson")]
    /// In a dialect of BSON.
    Bson(crate::bson::Request),
    /// With what all have and nothing else: gob, MessagePack and codecs of programs.
    Common(Request),
}

/// The same question to each kind.
macro_rules! ask {
    ($request:expr, $one:ident => $answer:expr) => {
        match $request {
            AnyRequest::Json($one) => $answer,
            #[cfg(feature = "bson")]
            AnyRequest::Bson($one) => $answer,
            AnyRequest::Common($one) => $answer,
        }
    };
}

impl AnyRequest {
    /// `"Arith.Multiply"` as the peer sent it; need not be UTF-8.
    pub fn service_method(&self) -> &[u8] {
        ask!(self, request => request.service_method())
    }

    /// The number of the call: see [`Head::seq`](crate::Head::seq).
    pub fn seq(&self) -> u64 {
        ask!(self, request => request.seq())
    }

    /// How long the caller will wait, counted from the moment the request was read.
    pub fn timeout(&self) -> Option<Duration> {
        ask!(self, request => request.timeout())
    }

    /// Bytes of the whole message on the wire.
    pub fn wire_len(&self) -> usize {
        ask!(self, request => request.wire_len())
    }

    /// The same request without its arguments and without the buffer it was read from.
    #[must_use]
    pub fn without_args(self) -> Self {
        match self {
            Self::Json(request) => Self::Json(request.without_args()),
            #[cfg(feature = "bson")]
            Self::Bson(request) => Self::Bson(request.without_args()),
            Self::Common(request) => Self::Common(request.without_args()),
        }
    }
}
