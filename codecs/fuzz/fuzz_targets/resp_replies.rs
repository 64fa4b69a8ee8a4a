//! What a server of RESP may send to a proxy, whole and split.
#![no_main]

use bytes::{Bytes, BytesMut};
use codecs::resp::{ReplyClass, ReplyError, ReplyLimits, ReplySkipper};
use rpcwrap_codecs_fuzz::stream_target;

struct Decoder(ReplySkipper);

impl Decoder {
    fn new() -> Self {
        Self(ReplySkipper::new(ReplyLimits { max_reply_bytes: 1 << 16, max_line_bytes: 100, max_depth: 10 }))
    }

    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<(Bytes, ReplyClass)>, ReplyError> {
        Ok(self.0.skip(buf)?.map(|(len, class)| (buf.split_to(len).freeze(), class)))
    }
}

stream_target!(Decoder::new(), |decoder, reply| format!("{reply:?}"));
