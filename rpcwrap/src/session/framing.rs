//! What differs between the protocols that end in a session: how requests are read and started, and errors written.
//!
//! [`Halves`] is it for everything that is framed by a codec; protocols with a framing of their own implement
//! [`Framing`]. Neither sees a socket.

use super::{Answer, Calls, Control, Start};
use crate::error::CallError;
use bytes::BytesMut;
use codecs::{DecodeError, END_OF_STREAM, ErrorReply, Limits, ReplyWriter, Request, RequestReader};

/// One connection's way of reading requests and answering them: all that a [`Session`](super::Session) has to be told of
/// a protocol. It sees bytes and requests, never the socket.
///
/// A protocol makes one for each connection, of whatever class its requests are: ids or an order, a login, words for
/// the session itself. Where a [`Codec`](codecs::Codec) says it all, [`FramedProtocol`](crate::protocol::FramedProtocol)
/// is shorter. `tests/it/line_protocol` is an example with a login and replies in order, in 150 lines.
pub trait Framing: Send + 'static {
    /// Whether replies leave in the order of the requests, for protocols whose replies do not say what they answer.
    ///
    /// Calls run concurrently all the same. What [`refuse`](Self::refuse), [`control`](Self::control) and
    /// [`canceled`](Self::canceled) write may be encoded before the replies that are sent before it.
    const ORDERED: bool = false;

    /// A request as it was read, with its arguments.
    type Request;

    /// Takes one request from the front of `input`, or nothing while it is not complete.
    ///
    /// # Errors
    /// The bytes are no request. Everything before is answered, then the connection is closed and the error counted, see
    /// [`ProtoError`](crate::protocol::ProtoError).
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

    /// Bytes of the request on the wire, for the statistics.
    fn wire_len(request: &Self::Request) -> usize;

    /// Looks at a request before dispatch does: whether it is a call, or what else. Asked of every request: what is not
    /// a call should show at a glance, by its length or first byte.
    #[inline]
    fn control(&mut self, request: &Self::Request) -> Control {
        let _ = request;
        Control::Call
    }

    /// Starts the call of a request.
    fn start<'d>(&mut self, request: &Self::Request, calls: Calls<'d, '_>) -> Start<'d>;

    /// What replies need of the request.
    fn head(request: &Self::Request) -> &Request;

    /// The same to be kept while the call waits, without the buffer that was read.
    fn into_head(request: Self::Request) -> Request;

    /// Writes replies.
    fn writer(&mut self) -> &mut ReplyWriter;

    /// Writes the error of a call that was not started.
    fn refuse(&mut self, request: &Self::Request, error: &CallError, out: &mut BytesMut) {
        self.fail(Self::head(request), error, out);
    }

    /// Writes the error of a call that was.
    fn fail(&mut self, head: &Request, error: &CallError, out: &mut BytesMut) {
        self.writer().encode_error(head, &error.to_reply(), out);
    }

    /// Marks the end of a stream of replies.
    fn end_stream(&mut self, head: &Request, out: &mut BytesMut) {
        self.writer().encode_error(head, &ErrorReply::new(END_OF_STREAM), out);
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

/// The codec's two objects of one connection.
pub(crate) struct Halves {
    pub(crate) reader: RequestReader,
    pub(crate) writer: ReplyWriter,
}

/// The method by which a caller takes a call back, as in the fork keegancsmith/rpc.
const CANCEL: &[u8] = b"_goRPC_.Cancel";

/// The argument of [`CANCEL`].
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CancelArgs {
    seq: u64,
}

impl Framing for Halves {
    type Request = Request;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.reader.decode(input)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.reader.decode_eof(input)
    }

    fn set_limits(&mut self, limits: Limits) {
        self.reader.set_limits(limits);
    }

    #[inline]
    fn wire_len(request: &Request) -> usize {
        request.wire_len()
    }

    #[inline]
    fn control(&mut self, request: &Request) -> Control {
        if request.service_method() == CANCEL { self.cancel(request) } else { Control::Call }
    }

    #[inline]
    fn start<'d>(&mut self, request: &Request, calls: Calls<'d, '_>) -> Start<'d> {
        calls.start(request.service_method(), self.reader.args(request), request.timeout())
    }

    #[inline]
    fn head(request: &Request) -> &Request {
        request
    }

    fn into_head(request: Request) -> Request {
        request.into_head()
    }

    #[inline]
    fn writer(&mut self) -> &mut ReplyWriter {
        &mut self.writer
    }

    /// The reply says whether the call was still in flight.
    fn canceled(&mut self, request: &Request, found: bool, out: &mut BytesMut) {
        if let Err(error) = self.writer.encode(request, &found, None, out) {
            self.fail(request, &CallError::BadReply(error), out);
        }
    }
}

impl Halves {
    #[cold]
    fn cancel(&mut self, request: &Request) -> Control {
        match self.reader.args(request).decode::<CancelArgs>() {
            Ok(args) => Control::Cancel(args.seq),
            Err(error) => {
                let (mut out, is_fatal) = (BytesMut::new(), error.is_fatal());
                self.fail(request, &CallError::BadArguments(error), &mut out);
                let answer = Answer::new(out);
                Control::Answer(if is_fatal { answer.close() } else { answer })
            }
        }
    }
}
