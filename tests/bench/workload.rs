//! What is sent and what must come back: the bytes of one `Arith.Multiply {A: 7, B: 8}` per codec.
//!
//! Every request of a connection is the same bytes, so every reply is too; the load generator needs
//! only the length of one, found here from the codec's own framing. It must not know sockets.

/// The request that opens a Go-RPC connection is `CONNECT <path> HTTP/1.0\n\n`; this is the answer.
pub(crate) const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

/// 7 × 8.
pub(crate) const PRODUCT: i64 = 56;

/// vitess BSON: `{ServiceMethod: binary, Seq: uint64}` then `{A: int64, B: int64}`.
const BSON: &[u8] = b"\x34\0\0\0\x05ServiceMethod\0\x0e\0\0\0\0Arith.Multiply\x3fSeq\0\x07\0\0\0\0\0\0\0\0\
    \x1b\0\0\0\x12A\0\x07\0\0\0\0\0\0\0\x12B\0\x08\0\0\0\0\0\0\0\0";

const JSON: &[u8] = b"{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":7}\n";

/// The first call of a gob connection, recorded from a Go 1.26.6 net/rpc client: the definitions of
/// `Request` and `Args` go before the values.
const GOB_FIRST: &[u8] =
    b"\x2e\x7f\x03\x01\x01\x07Request\x01\xff\x80\0\x01\x02\x01\x0dServiceMethod\x01\x0c\0\
    \x01\x03Seq\x01\x06\0\0\0\x13\xff\x80\x01\x0eArith.Multiply\0\
    \x1e\xff\x81\x03\x01\x01\x04Args\x01\xff\x82\0\x01\x02\x01\x01A\x01\x04\0\x01\x01B\x01\x04\0\0\0\
    \x07\xff\x82\x01\x0e\x01\x10\0";

/// Every later call: values only, here with Seq 1.
const GOB: &[u8] = b"\x15\xff\x80\x01\x0eArith.Multiply\x01\x01\0\x07\xff\x82\x01\x0e\x01\x10\0";

/// How messages are encoded on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Codec {
    Bson,
    Json,
    Gob,
}

impl Codec {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bson => "bson",
            Self::Json => "json",
            Self::Gob => "gob",
        }
    }

    /// The path that a client names in its CONNECT line.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Bson => "/_bson_rpc_",
            Self::Json => "/_json_rpc_",
            Self::Gob => "/_goRPC_",
        }
    }

    /// The first call of a connection.
    pub(crate) const fn first_request(self) -> &'static [u8] {
        match self {
            Self::Gob => GOB_FIRST,
            Self::Bson | Self::Json => self.request(),
        }
    }

    /// Every later call.
    pub(crate) const fn request(self) -> &'static [u8] {
        match self {
            Self::Bson => BSON,
            Self::Json => JSON,
            Self::Gob => GOB,
        }
    }

    /// The length of a later call's reply, as Go servers encode it: what the floor sends.
    pub(crate) const fn reply_bytes(self) -> usize {
        match self {
            Self::Bson => 84,
            Self::Json => 34,
            Self::Gob => 26,
        }
    }
}

/// How the load generator tells where a reply ends and whether it is right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// A server's reply in this codec, carrying [`PRODUCT`].
    Encoded(Codec),
    /// The floor's reply: so many bytes without meaning.
    Opaque(usize),
}

impl Reply {
    /// Length of the one reply at the front of `bytes`; `None` while it is incomplete.
    pub(crate) fn length(self, bytes: &[u8]) -> Option<usize> {
        let length = match self {
            Self::Opaque(length) => length,
            Self::Encoded(Codec::Json) => bytes.iter().position(|&byte| byte == b'\n')? + 1,
            Self::Encoded(Codec::Bson) => {
                let header = bson_length(bytes)?;
                header + bson_length(bytes.get(header..)?)?
            }
            Self::Encoded(Codec::Gob) => {
                let (header, _) = gob_value(bytes)?;
                header + gob_value(&bytes[header..])?.0
            }
        };
        (bytes.len() >= length).then_some(length)
    }

    /// Whether `reply`, one complete reply, is the answer to 7 × 8.
    pub(crate) fn is_right(self, reply: &[u8]) -> bool {
        match self {
            Self::Opaque(_) => true,
            Self::Encoded(Codec::Json) => serde_json::from_slice::<serde_json::Value>(reply)
                .is_ok_and(|object| object["result"] == PRODUCT && object["error"].is_null()),
            // The last member of the second document; vitess names the value of a bare reply so.
            Self::Encoded(Codec::Bson) => {
                let value = [b"\x12_Val_\0".as_slice(), &PRODUCT.to_le_bytes(), b"\0"].concat();
                reply.ends_with(&value)
            }
            // A bare value is a zero byte, then the number as gob's signed integer.
            Self::Encoded(Codec::Gob) => gob_value(reply)
                .and_then(|(header, _)| gob_value(&reply[header..]))
                .is_some_and(|(_, body)| body == [0, (PRODUCT << 1) as u8]),
        }
    }
}

fn bson_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    usize::try_from(length).ok()
}

/// Skips type definitions up to the next value: where that message ends, and the value's bytes behind
/// its type id.
fn gob_value(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut at = 0;
    loop {
        let (length, prefix) = gob_uint(bytes.get(at..)?)?;
        let message = bytes.get(at + prefix..at + prefix + length)?;
        at += prefix + length;
        let (id, width) = gob_uint(message)?;
        // Gob keeps the sign of an integer in its lowest bit; definitions carry a negative id.
        if id & 1 == 0 {
            return Some((at, &message[width..]));
        }
    }
}

/// Gob's unsigned integer: below 128 one byte, else the negated byte count and big-endian bytes.
fn gob_uint(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if first < 128 {
        return Some((first.into(), 1));
    }
    let count = usize::from(first.wrapping_neg());
    let digits = bytes.get(1..1 + count).filter(|_| count <= 4)?;
    Some((digits.iter().fold(0, |number, &digit| number << 8 | usize::from(digit)), 1 + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BSON_REPLY: &[u8] =
        b"\x40\0\0\0\x05ServiceMethod\0\x0e\0\0\0\0Arith.Multiply\x3fSeq\0\x07\0\0\0\0\0\0\0\
        \x05Error\0\0\0\0\0\0\0\x14\0\0\0\x12_Val_\0\x38\0\0\0\0\0\0\0\0";
    const JSON_REPLY: &[u8] = b"{\"id\":7,\"result\":56,\"error\":null}\n";
    const GOB_REPLY: &[u8] = b"\x15\xff\x80\x01\x0eArith.Multiply\x01\x01\0\x03\x04\0\x70";
    const GOB_FIRST_REPLY: &[u8] = b"\x39\x7f\x03\x01\x01\x08Response\x01\xff\x80\0\x01\x03\
        \x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\x01\x05Error\x01\x0c\0\0\0\
        \x13\xff\x80\x01\x0eArith.Multiply\0\x03\x04\0\x70";

    #[test]
    fn requests_have_the_calibrated_sizes() {
        let sizes = [Codec::Bson, Codec::Json, Codec::Gob].map(|codec| codec.request().len());
        assert_eq!(sizes, [79, 60, 30]);
        assert_eq!(Reply::Encoded(Codec::Bson).length(BSON), Some(79), "both documents have true lengths");
        assert_eq!(Reply::Encoded(Codec::Gob).length(GOB_FIRST), Some(GOB_FIRST.len()));
        assert_eq!(Reply::Encoded(Codec::Gob).length(GOB), Some(GOB.len()));
    }

    #[test]
    fn a_reply_ends_where_its_framing_says_and_nowhere_before() {
        let replies = [
            (Codec::Bson, BSON_REPLY),
            (Codec::Json, JSON_REPLY),
            (Codec::Gob, GOB_REPLY),
            (Codec::Gob, GOB_FIRST_REPLY),
        ];
        for (codec, bytes) in replies {
            let reply = Reply::Encoded(codec);
            for end in 0..bytes.len() {
                assert_eq!(reply.length(&bytes[..end]), None, "{codec:?} cut at {end}");
            }
            let two = [bytes, bytes].concat();
            assert_eq!(reply.length(&two), Some(bytes.len()), "{codec:?}");
            assert!(reply.is_right(bytes), "{codec:?}");
        }
        assert_eq!(BSON_REPLY.len(), Codec::Bson.reply_bytes());
        assert_eq!(JSON_REPLY.len(), Codec::Json.reply_bytes());
        assert_eq!(GOB_REPLY.len(), Codec::Gob.reply_bytes());
    }

    #[test]
    fn a_wrong_product_or_an_error_is_not_right() {
        let mut bson = BSON_REPLY.to_vec();
        bson[75] = 57;
        assert!(!Reply::Encoded(Codec::Bson).is_right(&bson));
        let mut gob = GOB_REPLY.to_vec();
        *gob.last_mut().unwrap() = 0x72;
        assert!(!Reply::Encoded(Codec::Gob).is_right(&gob));
        for json in [
            "{\"id\":7,\"result\":57,\"error\":null}\n",
            "{\"id\":7,\"result\":null,\"error\":\"rpc: can't find service Arith.Multiply\"}\n",
        ] {
            assert!(!Reply::Encoded(Codec::Json).is_right(json.as_bytes()));
        }
    }
}
