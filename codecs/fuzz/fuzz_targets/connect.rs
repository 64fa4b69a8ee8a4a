//! What a server may answer to a CONNECT, whole and split; and a path as one that asks for a codec.
#![no_main]

use bytes::BytesMut;
use codecs::connect::{self, ConnectError};
use rpcwrap_codecs_fuzz::stream_target;

struct Decoder;

impl Decoder {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<()>, ConnectError> {
        if let Ok(path) = std::str::from_utf8(buf)
            && let Some((codec, auth)) = connect::parse_path(path)
        {
            assert_eq!(connect::parse_path(&connect::rpc_path(codec, auth)), Some((codec, auth)));
        }
        connect::decode_reply(buf)
    }
}

stream_target!(Decoder, |decoder, answer| format!("{answer:?}"));
