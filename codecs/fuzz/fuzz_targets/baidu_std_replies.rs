//! What a server of bRPC may send to a client, whole and split, with its body decompressed.
#![no_main]

use codecs::baidu_std::ReplyDecoder;
use rpcwrap_codecs_fuzz::{limits, stream_target};

stream_target!(ReplyDecoder::new(limits()), |decoder, reply| {
    let payload = reply.payload(&limits());
    format!("{reply:?} {:?}", payload.map(|payload| payload.body.len()))
});
