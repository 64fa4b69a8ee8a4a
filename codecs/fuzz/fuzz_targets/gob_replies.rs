//! What a gob server may send to a client, whole and split, into types of every shape.
#![no_main]

use bytes::BytesMut;
use codecs::{Limits, gob::ReplyDecoder};
use libfuzzer_sys::fuzz_target;

#[path = "../shapes.rs"]
mod shapes;

/// The replies of a stream in pieces of `step` bytes, as far as they can be read.
fn run(bytes: &[u8], step: usize) -> Vec<String> {
    let mut decoder = ReplyDecoder::new(Limits { max_message_bytes: 1 << 20, ..Limits::default() });
    let (mut buf, mut told) = (BytesMut::new(), Vec::new());
    for chunk in bytes.chunks(step) {
        buf.extend_from_slice(chunk);
        loop {
            let before = buf.len();
            match decoder.decode(&mut buf) {
                Ok(Some(reply)) => {
                    if let Some(types) = reply.types() {
                        shapes::gob(types, reply.body());
                    }
                    told.push(format!("{reply:?}"));
                }
                Ok(None) => {
                    assert_eq!(buf.len(), before);
                    break;
                }
                Err(_) => return told,
            }
        }
    }
    told
}

fuzz_target!(|bytes: &[u8]| {
    let whole = run(bytes, usize::MAX);
    assert_eq!(whole, run(bytes, 1));
});
