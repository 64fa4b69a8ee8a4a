//! What differs between the protocols that end in a session: how requests are read and started, and errors written.
//!
//! Every codec's server side is one ([`super::by_codec`]); protocols with a framing of their own implement [`Framing`].
//! Neither sees a socket.

use super::{Calls, Control, Start};
use crate::error::CallError;
use bytes::BytesMut;
use codecs::{DecodeError, END_OF_STREAM, ErrorReply, Limits, ReplyTo};

/// One connection's way of reading requests and answering them: all that a [`Session`](super::Session) has to be told
/// of a protocol. It sees bytes and requests, never the socket.
///
/// A protocol makes one for each connection, of whatever class its requests are: ids or an order, a login, words for
/// the session itself. Where a [`Codec`](codecs::Codec) says it all,
/// [`FramedProtocol`](crate::protocol::FramedProtocol) is shorter. `tests/it/line_protocol` is an example with a login
/// and replies in order, in 150 lines.
pub trait Framing: Send + Sized + 'static {
    /// Whether replies leave in the order of the requests, for protocols whose replies do not say what they answer.
    ///
    /// Calls run concurrently all the same. What [`refuse`](Self::refuse), [`control`](Self::control) and
    /// [`canceled`](Self::canceled) write may be encoded before the replies that are sent before it.
    const ORDERED: bool = false;

    /// A request as it was read, with its arguments.
    type Request: Send;

    /// What replies need of a request.
    type Head: Send + 'static;

    /// Takes one request from the front of `input`, or nothing while it is not complete.
    ///
    /// # Errors
    /// The bytes are no request. Everything before is answered, then the connection is closed and the error counted,
    /// see [`ProtocolError`](crate::protocol::ProtocolError).
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError>;

    /// The peer has sent its last byte: takes what is left, or nothing if that is nothing.
    ///
    /// # Errors
    /// The rest is no request: by default [`DecodeError::Truncated`].
    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError> {
        if input.is_empty() { Ok(None) } else { Err(DecodeError::Truncated) }
    }

    /// Sets the limits for what is decoded from now on: called before the first request, and when the server's change.
    fn set_limits(&mut self, limits: Limits);

    /// Bytes of memory that it keeps for its peer between requests, which count against `memory_budget`: by default none.
    #[inline]
    fn held_bytes(&self) -> usize {
        0
    }

    /// Bytes of the request on the wire, for the statistics.
    fn wire_len(request: &Self::Request) -> usize;

    /// Looks at a request before dispatch does: what it asks of the session itself, or `None` for a call. Asked of
    /// every request: what is no call should show at a glance, by its length or first byte.
    #[inline]
    fn control(&mut self, request: &Self::Request) -> Option<Control> {
        let _ = request;
        None
    }

    /// Starts the call of a request; twice where its arguments become more than is decoded beside other connections.
    fn start<'d>(&mut self, request: &Self::Request, calls: Calls<'d, '_>) -> Start<'d>;

    /// What replies need of the request.
    fn head(request: &Self::Request) -> &Self::Head;

    /// The same to be kept while the call waits, without the buffer that was read.
    fn into_head(request: Self::Request) -> Self::Head;

    /// The number by which a caller may take the call back, if there is one: see [`Control::Cancel`].
    fn seq(head: &Self::Head) -> Option<u64> {
        let _ = head;
        None
    }

    /// The answer to a request.
    fn reply_to<'a>(&'a mut self, head: &'a Self::Head) -> ReplyTo<'a>;

    /// Writes the error of a call that was not started.
    fn refuse(&mut self, request: &Self::Request, error: &CallError, out: &mut BytesMut) {
        self.fail(Self::head(request), error, out);
    }

    /// Writes the error of a call that was.
    fn fail(&mut self, head: &Self::Head, error: &CallError, out: &mut BytesMut) {
        self.reply_to(head).encode_error(&error.to_reply(), out);
    }

    /// Marks the end of a stream of replies.
    fn end_stream(&mut self, head: &Self::Head, out: &mut BytesMut) {
        self.reply_to(head).encode_error(&ErrorReply::new(END_OF_STREAM), out);
    }

    /// Answers a [`Control::Cancel`]; `found` says whether the call was still in flight.
    fn canceled(&mut self, request: &Self::Request, found: bool, out: &mut BytesMut) {
        let _ = (request, found, out);
    }

    /// The last words to a peer whose bytes are no request and who is closed for it: by default none.
    fn out_of_step(&mut self, error: &DecodeError, out: &mut BytesMut) {
        let _ = (error, out);
    }
}
