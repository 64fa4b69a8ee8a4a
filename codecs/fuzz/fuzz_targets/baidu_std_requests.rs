//! What a client of bRPC may send to a server, whole and split, with its body decompressed.
#![no_main]

use codecs::baidu_std::RequestDecoder;

#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(RequestDecoder::new(stream::limits()), |decoder, request| {
    let payload = request.payload(&stream::limits());
    format!("{request:?} {:?}", payload.map(|payload| payload.body.len()))
});
