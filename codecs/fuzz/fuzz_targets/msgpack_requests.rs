//! What a MessagePack client may send to a server, whole and split, into types of every shape.
#![no_main]

use codecs::msgpack::RequestDecoder;

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(
    RequestDecoder::new(stream::limits()),
    |decoder, request| {
        if let Ok(args) = request.args() {
            shapes::msgpack(args);
        }
        format!("{:?} {}", request.service_method(), request.seq())
    },
    decode_eof
);
