//! A codec and its magic as a protocol: requests in and replies out from the first byte on, no CONNECT before them.
//!
//! For private protocols that only frame calls. One that has more to say (a handshake, a login, replies of its own)
//! implements [`Protocol`] itself.

use super::{Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff};
use crate::{io::Prefixed, session::SessionFuture};
use bytes::BytesMut;
use codecs::{AnyCodec, Codec};
use std::sync::Arc;

/// Bytes that are the same in every message of a protocol, and where in the message they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Magic {
    at: usize,
    bytes: &'static [u8],
}

impl Magic {
    /// `bytes`, `at` bytes behind the start of the message.
    ///
    /// At 0 the protocol is of class [`Magic`](Class::Magic). Anywhere else it is [`Weak`](Class::Weak): what comes
    /// before the magic may look like another protocol's opening, and is then taken for it.
    pub fn at(at: usize, bytes: &'static [u8]) -> Self {
        Self { at, bytes }
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        match head.get(self.at..) {
            Some(rest) => Sniff::magic(rest, self.bytes),
            None => Sniff::NeedMore,
        }
    }
}

impl From<&'static [u8]> for Magic {
    fn from(bytes: &'static [u8]) -> Self {
        Self::at(0, bytes)
    }
}

impl<const N: usize> From<&'static [u8; N]> for Magic {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self::at(0, bytes)
    }
}

/// A protocol made of a codec and the magic its messages carry.
///
/// The codec sees every byte, the magic too. Calls are pipelined: up to `max_in_flight` at a time, each answered as it
/// is ready, so replies have to say which request they answer. Where the server requires a login, only a TLS client
/// certificate lets its peers call.
///
/// See `examples/custom_protocol.rs`.
#[derive(Debug, Clone)]
pub struct FramedProtocol {
    name: &'static str,
    magic: Magic,
    codec: AnyCodec,
}

impl FramedProtocol {
    /// `codec` for connections whose first message carries `magic`; `name` as for [`Protocol::name`].
    pub fn new(name: &'static str, magic: impl Into<Magic>, codec: impl Codec) -> Self {
        Self { name, magic: magic.into(), codec: AnyCodec::Custom(Arc::new(codec)) }
    }
}

impl Protocol for FramedProtocol {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        if self.magic.at == 0 { Class::Magic } else { Class::Weak }
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![[&vec![0; self.magic.at][..], self.magic.bytes].concat()]
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        self.magic.sniff(head)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        let session = self.open(conn, &cx);
        Box::pin(async { Ok(Served::Session(session)) })
    }
}

impl FramedProtocol {
    fn open(&self, conn: Conn, cx: &ConnCx) -> SessionFuture {
        let (prefix, stream) = Prefixed::new(conn.prefix, conn.stream).into_parts();
        let codec = self.codec.server(cx.dispatch.live.config().message_limits());
        let peer = cx.peer(self.codec.name(), None);
        cx.codec_session(stream, BytesMut::from(&prefix[..]), codec, peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_in_the_middle_waits_for_all_before_it() {
        let magic = Magic::at(2, b"MAG");
        for (head, wanted) in [
            (&b""[..], Sniff::NeedMore),
            (b"\x01\x02", Sniff::NeedMore),
            (b"\x01\x02MA", Sniff::NeedMore),
            (b"\x01\x02MAG", Sniff::Yes),
            (b"\x01\x02MAGIC", Sniff::Yes),
            (b"\x01\x02N", Sniff::No),
            (b"MAG", Sniff::No),
        ] {
            assert_eq!(magic.sniff(head), wanted, "{}", head.escape_ascii());
        }
        assert_eq!(Magic::from(b"PRPC").sniff(b"PR"), Sniff::NeedMore);
    }
}
