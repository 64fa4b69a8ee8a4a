//! What may stand in front of a connection for a PROXY header, whole and split.
#![no_main]

use bytes::BytesMut;
use codecs::{
    DecodeError,
    proxy_header::{self, Source},
};
use rpcwrap_codecs_fuzz::stream_target;

struct Decoder;

impl Decoder {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Source>, DecodeError> {
        if proxy_header::is_header(buf) == Some(false) {
            return Err(DecodeError::Truncated);
        }
        proxy_header::decode(buf)
    }
}

stream_target!(Decoder, |decoder, source| format!("{source:?}"));
