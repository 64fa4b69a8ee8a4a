//! The items of a stream, gathered into the one array that answers its request.

use bytes::{Bytes, BytesMut};
use codecs::{
    EncodeError, ErrorReply, Head, Request, codec::ReplyEncoder as CodecReplyEncoder, resp::ReplyEncoder,
};
use std::sync::LazyLock;

/// Items of one array.
const MAX_ITEMS: usize = 1 << 20;

/// What replies of RESP need of a request in the codecs' way: nothing.
pub(super) static NO_HEAD: LazyLock<Head> =
    LazyLock::new(|| Request::new(Bytes::new(), 0, 0..0, 0..0).into_head());

/// The items so far of the stream that is being answered: in a session in order there is one at a time.
#[derive(Debug, Default)]
pub(super) struct Items {
    bytes: BytesMut,
    count: usize,
    encoder: ReplyEncoder,
}

impl Items {
    /// The same, which go on in the form of `encoder`.
    pub(super) fn of(&mut self, encoder: ReplyEncoder) -> &mut Self {
        self.encoder = encoder;
        self
    }

    /// Appends the array to `out`, or why there is none.
    pub(super) fn finish(&mut self, out: &mut BytesMut) {
        let Self { mut bytes, count, encoder } = std::mem::take(self);
        match encoder.finish_array(0, count, &mut bytes) {
            Ok(()) => out.extend_from_slice(&bytes),
            Err(error) => encoder.encode_error("ERR", error.text(), out),
        }
    }

    /// Forgets what there is: the stream has failed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory they take.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

impl CodecReplyEncoder for Items {
    fn encode(
        &mut self,
        _: &Head,
        reply: &dyn erased_serde::Serialize,
        _: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        if self.count >= MAX_ITEMS {
            return Err(EncodeError::new("reply too large"));
        }
        self.encoder.encode_item(reply, 0, &mut self.bytes)?;
        self.count += 1;
        Ok(())
    }

    fn encode_error(&mut self, _: &Head, _: &ErrorReply, _: &mut BytesMut) {
        // The framing writes errors itself.
    }
}

/// In place of an encoder where the peer wants no reply.
#[derive(Debug)]
pub(super) struct Unsaid;

impl CodecReplyEncoder for Unsaid {
    fn encode(
        &mut self,
        _: &Head,
        _: &dyn erased_serde::Serialize,
        _: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        Ok(())
    }

    fn encode_error(&mut self, _: &Head, _: &ErrorReply, _: &mut BytesMut) {}
}
