//! What a server of bRPC may send to a client, whole and split, with its body decompressed.
#![no_main]

use codecs::baidu_std::ReplyDecoder;

#[macro_use]
#[path = "../stream.rs"]
mod stream;

stream_target!(ReplyDecoder::new(stream::limits()), |decoder, reply| {
    let payload = reply.payload(&stream::limits());
    format!("{reply:?} {:?}", payload.map(|payload| payload.body.len()))
});
