//! Bytes of ill will: nothing panics, nothing is allocated for what has not arrived.

use super::support::{LIMITS, exchanges};
use crate::{
    baidu_std::{ReplyDecoder, RequestDecoder},
    error::DecodeError,
};
use bytes::BytesMut;
use proptest::prelude::*;
use std::sync::LazyLock;

static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let frames = exchanges().into_iter().flat_map(|exchange| exchange.frames);
    frames.map(|frame| frame.bytes).filter(|bytes| !bytes.is_empty()).collect()
});

/// Reads as a server and as a client would, and everything that can be asked of what comes out.
fn decode(bytes: &[u8]) {
    let mut buf = BytesMut::from(bytes);
    while let Ok(Some(request)) = RequestDecoder::new(LIMITS).decode_eof(&mut buf) {
        let names = (request.service_name(), request.method_name(), request.request_id());
        let _ = (names, request.timeout(), request.user_fields().count());
        if let Ok(payload) = request.payload(&LIMITS) {
            assert!(payload.body.len() <= LIMITS.max_message_bytes);
            let _ = request.unreadable(&payload, "a test");
        }
    }
    let mut buf = BytesMut::from(bytes);
    while let Ok(Some(reply)) = ReplyDecoder::new(LIMITS).decode(&mut buf) {
        let _ = (reply.correlation_id(), reply.error(), reply.user_fields().count());
        let _ = reply.payload(&LIMITS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn mutated_recordings_do_no_harm(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..5),
    ) {
        let mut bytes = which.get(&RECORDED).clone();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte & 7),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        decode(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_header_do_no_harm(
        meta in prop::collection::vec(any::<u8>(), 0..64),
        rest in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        decode(&super::support::frame(&meta, &rest));
    }
}

#[test]
fn a_huge_announcement_allocates_nothing() {
    let mut buf = BytesMut::from(&b"PRPC\x04\x00\x00\x00\x00\x00\x00\x0a"[..]);
    let before = buf.capacity();
    assert!(RequestDecoder::new(LIMITS).decode(&mut buf).unwrap().is_none());
    assert_eq!(buf.capacity(), before);
}

#[test]
fn a_long_meta_and_many_user_fields_are_refused() {
    let decode = |meta: &[u8]| {
        let len = (meta.len() as u32).to_be_bytes();
        let bytes = [b"PRPC", &len[..], &len[..], meta].concat();
        RequestDecoder::new(LIMITS).decode(&mut BytesMut::from(&bytes[..]))
    };
    let names = b"\x0a\x06\x0a\x01S\x12\x01M";
    let with = |count: usize| [&names[..], &b"\x4a\x00".repeat(count)].concat();
    assert_eq!(decode(&with(1024)).unwrap().unwrap().user_fields().count(), 1024);
    assert!(matches!(decode(&with(1025)), Err(DecodeError::Malformed { what: "too many user_fields", .. })));
    assert!(matches!(decode(&with(1 << 15)), Err(DecodeError::TooBig { limit: 65_536, .. })));
}
