//! What a JSON server may send to a client, whole and split, into types of every shape.
#![no_main]

use codecs::json::ReplyDecoder;

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(ReplyDecoder::new(stream::limits()), |decoder, reply| {
    shapes::json(reply.body());
    // Not all of it: the newline behind a reply is taken with it where it is there already.
    format!("{} {:?}", reply.seq(), reply.body())
});
