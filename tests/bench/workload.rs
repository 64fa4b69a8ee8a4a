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

/// The argument of every call, of a type without a name as that of `rpcwrap bench`: gob says the name.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename = "", rename_all = "PascalCase")]
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
    Msgpack,
}

impl Codec {
    /// As `rpcwrap --codec` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bson => "bson",
            Self::Json => "json",
            Self::Gob => "gob",
            Self::Msgpack => "msgpack",
        }
    }

    /// The codec itself.
    pub(crate) const fn any(self) -> AnyCodec {
        match self {
            Self::Bson => AnyCodec::Bson(BsonDialect::Auto),
            Self::Json => AnyCodec::Json,
            Self::Gob => AnyCodec::Gob,
            Self::Msgpack => AnyCodec::Msgpack,
        }
    }

    /// The messages of this codec.
    ///
    /// # Errors
    /// They differ in more than Seq, or not in Seq.
    pub(crate) fn messages(self) -> crate::Result<Messages> {
        let (one, other) = (exchanges(&self.any(), SEQ)?, exchanges(&self.any(), OTHER_SEQ)?);
        let [first, later] = one;
        let [other_first, other_later] = other;
        Ok(Messages { first: Exchange::of(first, &other_first)?, later: Exchange::of(later, &other_later)? })
    }
}

/// Two Seqs that differ in their first byte (of three, in binary codecs that shorten numbers) and digit, as long as all
/// that `rpcwrap bench` counts with.
const SEQ: u64 = 1_111_111;
const OTHER_SEQ: u64 = 2_222_222;

/// What is said on a connection: in its first messages some codecs define what later ones refer to.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    pub(crate) first: Exchange,
    pub(crate) later: Exchange,
}

/// A request and its reply, and where each has its Seq.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    pub(crate) request_seq: usize,
    pub(crate) reply: Vec<u8>,
    pub(crate) reply_seq: usize,
}

impl Exchange {
    fn of((request, reply): Bytes, (other_request, other_reply): &Bytes) -> crate::Result<Self> {
        Ok(Self {
            request_seq: first_difference(&request, other_request)?,
            reply_seq: first_difference(&reply, other_reply)?,
            request,
            reply,
        })
    }
}

/// A request and its reply.
type Bytes = (Vec<u8>, Vec<u8>);

/// The first and the second exchange of a connection, both with this Seq.
fn exchanges(codec: &AnyCodec, seq: u64) -> crate::Result<[Bytes; 2]> {
    let (mut requests, mut server) = (codec.request_writer(), codec.server(Limits::default()));
    let mut exchange = || -> crate::Result<Bytes> {
        let (mut bytes, mut reply) = (BytesMut::new(), BytesMut::new());
        requests.encode(seq, METHOD, CallOptions::default(), &Args::default(), None, &mut bytes)?;
        let request = bytes.to_vec();
        let decoded = server.decode(&mut bytes)?.ok_or("half a request")?;
        server.reply_to(&decoded).encode(&PRODUCT, None, &mut reply)?;
        Ok((request, reply.to_vec()))
    };
    Ok([exchange()?, exchange()?])
}

fn first_difference(one: &[u8], other: &[u8]) -> crate::Result<usize> {
    if one.len() != other.len() {
        return Err("messages differ in length".into());
    }
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    at.ok_or_else(|| "messages do not differ in Seq".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_sizes_of_gos_and_seq_where_it_is() {
        let three_bytes = SEQ.to_be_bytes()[5..].to_vec();
        for (codec, request, reply, seq) in [
            (Codec::Bson, 79, 84, SEQ.to_le_bytes().to_vec()),
            (Codec::Json, 66, 40, b"1111111".to_vec()),
            (Codec::Gob, 33, 29, three_bytes.clone()),
            (Codec::Msgpack, 46, 47, three_bytes),
        ] {
            let Messages { first, later } = codec.messages().unwrap();
            assert_eq!((later.request.len(), later.reply.len()), (request, reply), "{codec:?}");
            for Exchange { request, request_seq, reply, reply_seq } in [first, later] {
                assert!(request[request_seq..].starts_with(&seq), "{codec:?}: {request:x?}");
                assert!(reply[reply_seq..].starts_with(&seq), "{codec:?}: {reply:x?}");
            }
        }
        assert_eq!(serde_json::to_string(&Args::default()).unwrap(), ARGUMENT);
    }
}
