//! What a gob server may send to a client, whole and split, into types of every shape.
#![no_main]

use codecs::gob::ReplyDecoder;

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(ReplyDecoder::new(stream::limits()), |decoder, reply| {
    if let Some(types) = reply.types() {
        shapes::gob(types, reply.body());
    }
    format!("{reply:?}")
});
