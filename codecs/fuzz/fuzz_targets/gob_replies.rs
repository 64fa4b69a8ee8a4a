//! What a gob server may send to a client, whole and split, into types of every shape.
#![no_main]

use codecs::gob::ReplyDecoder;
use rpcwrap_codecs_fuzz::{limits, shapes, stream_target};

stream_target!(ReplyDecoder::new(limits()), |decoder, reply| {
    if let Some(types) = reply.types() {
        shapes::gob(types, reply.body());
    }
    format!("{reply:?}")
});
