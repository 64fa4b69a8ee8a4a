//! What a gob client may send to a server, whole and split, into types of every shape.
#![no_main]

use codecs::gob::RequestDecoder;
use rpcwrap_codecs_fuzz::{limits, shapes, stream_target};

stream_target!(
    RequestDecoder::new(limits()),
    |decoder, request| {
        if let Ok(args) = request.args() {
            shapes::gob(decoder.types(), args);
        }
        format!("{request:?}")
    },
    decode_eof
);
