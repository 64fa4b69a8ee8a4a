//! What a request asks of the session that read it, where it is no call.

use crate::peer::Peer;
use bytes::BytesMut;
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// What [`Framing::control`](super::Framing::control) makes of a request that is no call but a word to the session
/// itself: it never gets to dispatch, is not counted as a call, works while the server drains, and needs no login.
#[non_exhaustive]
pub enum Control {
    /// Answered here and now: `PING`, `QUIT`, `SELECT`.
    Answer(Answer),
    /// Answered once the future is ready: a password whose check takes time. No request behind it is decoded before, so
    /// that none is made as the user before. The future sets its own limit of time.
    Wait(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// Takes back the call of this number ([`Framing::seq`](super::Framing::seq)), which is then answered as cancelled;
    /// [`Framing::canceled`](super::Framing::canceled) writes whether there was one.
    Cancel(u64),
}

impl Control {
    /// [`Wait`](Self::Wait)s for `answer`.
    pub fn wait(answer: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self::Wait(Box::pin(answer))
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => answer.fmt(f),
            Self::Wait(_) => f.write_str("Wait"),
            Self::Cancel(seq) => write!(f, "Cancel({seq})"),
        }
    }
}

/// A session's own answer to a request, and what changes with it.
#[derive(Debug, Default)]
pub struct Answer {
    pub(super) bytes: BytesMut,
    pub(super) peer: Option<Arc<Peer>>,
    pub(super) close: bool,
}

impl Answer {
    /// These bytes, which may be none; in an ordered session they wait for their turn.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self { bytes: BytesMut::from(bytes.as_ref()), ..Self::default() }
    }

    /// The same without its bytes, for a peer that wants none.
    #[cfg(feature = "resp")]
    pub(crate) fn without_bytes(self) -> Self {
        Self { bytes: BytesMut::new(), ..self }
    }

    /// The requests behind this one are `peer`'s: a login, or the end of one. Made by
    /// [`ConnCx::peer`](crate::protocol::ConnCx::peer).
    #[must_use]
    pub fn peer(mut self, peer: Arc<Peer>) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Nothing behind this request is decoded any more; the connection is closed when all before it is answered.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }
}

impl From<BytesMut> for Answer {
    /// As [`new`](Answer::new), of bytes that are the session's from then on.
    fn from(bytes: BytesMut) -> Self {
        Self { bytes, ..Self::default() }
    }
}
