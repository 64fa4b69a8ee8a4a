//! What a BSON server may send to a client, whole and split, into types of every shape.
#![no_main]

use codecs::bson::ReplyDecoder;

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(ReplyDecoder::new(stream::limits()), |decoder, reply| {
    shapes::bson(reply.body());
    format!("{reply:?}")
});
