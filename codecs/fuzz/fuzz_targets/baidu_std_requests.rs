//! What a client of bRPC may send to a server, whole and split, with its body decompressed.
#![no_main]

use codecs::baidu_std::RequestDecoder;
use rpcwrap_codecs_fuzz::{limits, stream_target};

stream_target!(RequestDecoder::new(limits()), |decoder, request| {
    let payload = request.payload(&limits());
    format!("{request:?} {:?}", payload.map(|payload| payload.body.len()))
});
