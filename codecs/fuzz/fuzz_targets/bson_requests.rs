//! What a BSON client may send to a server, whole and split, into types of every shape.
#![no_main]

use bytes::BytesMut;
use codecs::{Limits, bson::RequestDecoder};
use libfuzzer_sys::fuzz_target;

#[path = "../shapes.rs"]
mod shapes;

/// The requests of a stream in pieces of `step` bytes, as far as they can be read.
fn run(bytes: &[u8], step: usize) -> Vec<String> {
    let limits = Limits { max_message_bytes: 1 << 20, ..Limits::default() };
    let mut decoder = RequestDecoder::new(limits, codecs::BsonDialect::Auto);
    let (mut buf, mut told) = (BytesMut::new(), Vec::new());
    for chunk in bytes.chunks(step) {
        buf.extend_from_slice(chunk);
        loop {
            let before = buf.len();
            match decoder.decode(&mut buf) {
                Ok(Some(request)) => {
                    if let Ok(args) = request.args() {
                        shapes::bson(args);
                    }
                    told.push(format!("{:?} {}", request.service_method(), request.seq()));
                }
                Ok(None) => {
                    assert_eq!(buf.len(), before);
                    break;
                }
                Err(_) => return told,
            }
        }
    }
    let _ = decoder.decode_eof(&mut buf);
    told
}

fuzz_target!(|bytes: &[u8]| {
    let whole = run(bytes, usize::MAX);
    assert_eq!(whole, run(bytes, 1));
});
