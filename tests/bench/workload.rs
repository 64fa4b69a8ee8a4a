//! What is sent and what must come back: the bytes of one `Arith.Multiply {A: 7, B: 8}` per codec.
//!
//! For the programs of this benchmark that are no RPC at all, and so have to be told. They come from the codecs
//! themselves, where only Seq differs from one call to the next. It must not know sockets.

use bytes::BytesMut;
use rpcwrap::codecs::{AnyCodec, BsonDialect, CallOptions, Limits};
use serde::Serialize;

/// The request that opens a Go-RPC connection is `CONNECT <path> HTTP/1.0\n\n`; this is the answer.
pub(crate) const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

pub(crate) const METHOD: &str = "Arith.Multiply";
/// [`Args::default`] in JSON.
pub(crate) const ARGUMENT: &str = r#"{"A":7,"B":8}"#;
/// 7 × 8.
pub(crate) const PRODUCT: i64 = 56;

/// The argument of every call.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Args {
    a: i64,
    b: i64,
}

impl Default for Args {
    fn default() -> Self {
        Self { a: 7, b: 8 }
    }
}

/// How messages are encoded on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Codec {
    Bson,
    Json,
    Gob,
}

impl Codec {
    /// As `rpcwrap --codec` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bson => "bson",
            Self::Json => "json",
            Self::Gob => "gob",
        }
    }

    /// The codec itself; gob is spoken with Go's servers only, which need nothing of this file.
    pub(crate) const fn any(self) -> Option<AnyCodec> {
        match self {
            Self::Bson => Some(AnyCodec::Bson(BsonDialect::Auto)),
            Self::Json => Some(AnyCodec::Json),
            Self::Gob => None,
        }
    }

    /// The messages of this codec.
    ///
    /// # Errors
    /// It has none here.
    pub(crate) fn messages(self) -> crate::Result<Messages> {
        let codec = self.any().ok_or("there is no floor for gob")?;
        let (request, reply) = encode(&codec, SEQ)?;
        let (other_request, other_reply) = encode(&codec, OTHER_SEQ)?;
        Ok(Messages {
            request_seq: first_difference(&request, &other_request)?,
            reply_seq: first_difference(&reply, &other_reply)?,
            request,
            reply,
        })
    }
}

/// Two Seqs that differ in their first byte and digit, as long as all that `rpcwrap bench` counts with.
const SEQ: u64 = 1_111_111;
const OTHER_SEQ: u64 = 2_222_222;

/// A request and its reply, and where each has its Seq.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    pub(crate) request: Vec<u8>,
    pub(crate) request_seq: usize,
    pub(crate) reply: Vec<u8>,
    pub(crate) reply_seq: usize,
}

fn encode(codec: &AnyCodec, seq: u64) -> crate::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = BytesMut::new();
    codec.request_writer().encode(seq, METHOD, CallOptions::default(), &Args::default(), None, &mut bytes)?;
    let request = bytes.to_vec();
    let decoded = codec.request_reader(Limits::default()).decode(&mut bytes)?.ok_or("half a request")?;
    let mut reply = BytesMut::new();
    codec.reply_writer().encode(&decoded, &PRODUCT, None, &mut reply)?;
    Ok((request, reply.to_vec()))
}

fn first_difference(one: &[u8], other: &[u8]) -> crate::Result<usize> {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    at.ok_or_else(|| "messages do not differ in Seq".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_sizes_of_gos_and_seq_where_it_is() {
        for (codec, request, reply) in [(Codec::Bson, 79, 84), (Codec::Json, 66, 40)] {
            let messages = codec.messages().unwrap();
            assert_eq!((messages.request.len(), messages.reply.len()), (request, reply));
            let seqs = [&messages.request[messages.request_seq..], &messages.reply[messages.reply_seq..]];
            let expected =
                if codec == Codec::Json { b"1111111".to_vec() } else { SEQ.to_le_bytes().to_vec() };
            assert!(seqs.iter().all(|seq| seq.starts_with(&expected)), "{seqs:?}");
        }
        assert_eq!(serde_json::to_string(&Args::default()).unwrap(), ARGUMENT);
    }
}
