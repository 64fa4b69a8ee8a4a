//! What a BSON client may send to a server, whole and split, into types of every shape.
#![no_main]

use codecs::{BsonDialect, bson::RequestDecoder};
use rpcwrap_codecs_fuzz::{limits, shapes, stream_target};

stream_target!(
    RequestDecoder::new(limits(), BsonDialect::Auto),
    |decoder, request| {
        if let Ok(args) = request.args() {
            shapes::bson(args);
        }
        format!("{:?} {}", request.service_method(), request.seq())
    },
    decode_eof
);
