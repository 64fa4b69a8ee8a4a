//! What differs between the protocols that end in a session: how requests are read and started, and errors written.
//!
//! [`Halves`] is it for everything that is framed by a codec; protocols with a framing of their own implement
//! [`Framing`]. Neither sees a socket.

use super::in_flight::InFlight;
use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::Started,
        registry::Entry,
    },
    error::CallError,
};
use bytes::BytesMut;
use codecs::{DecodeError, END_OF_STREAM, ErrorReply, Limits, ReplyWriter, Request, RequestReader};
use std::{sync::Arc, time::Instant};

/// One connection's way of reading requests and answering them.
pub(crate) trait Framing: Send + 'static {
    /// A request as it was read, with its arguments.
    type Request;

    /// Takes one request from the front of `input`, or nothing while it is not complete.
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError>;

    /// The peer has sent its last byte: takes what is left.
    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError>;

    /// Sets other limits for what is decoded from now on.
    fn set_limits(&mut self, limits: Limits);

    /// Bytes of the request on the wire.
    fn wire_len(request: &Self::Request) -> usize;

    /// Starts the call through dispatch; `last` is the method of the call before.
    fn start<'d>(
        &mut self,
        request: &Self::Request,
        last: Option<&'d Arc<Entry>>,
        dispatch: &'d Dispatch,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>>;

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
    fn fail(&mut self, head: &Request, error: &CallError, out: &mut BytesMut);

    /// Marks the end of a stream of replies.
    fn end_stream(&mut self, head: &Request, out: &mut BytesMut);

    /// Answers a request for the session itself, whose method dispatch does not know; whether it was one.
    fn control(&mut self, request: &Self::Request, in_flight: &mut InFlight, out: &mut BytesMut) -> bool {
        let _ = (request, in_flight, out);
        false
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
    fn start<'d>(
        &mut self,
        request: &Request,
        last: Option<&'d Arc<Entry>>,
        dispatch: &'d Dispatch,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let args = self.reader.args(request);
        dispatch.start_after(last, request.service_method(), args, request.timeout(), caller, now)
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

    fn fail(&mut self, head: &Request, error: &CallError, out: &mut BytesMut) {
        self.writer.encode_error(head, &error.to_reply(), out);
    }

    fn end_stream(&mut self, head: &Request, out: &mut BytesMut) {
        self.writer.encode_error(head, &ErrorReply::new(END_OF_STREAM), out);
    }

    /// [`CANCEL`]: the reply says whether the call was still in flight.
    fn control(&mut self, request: &Request, in_flight: &mut InFlight, out: &mut BytesMut) -> bool {
        if request.service_method() != CANCEL {
            return false;
        }
        let reply = match self.reader.args(request).decode::<CancelArgs>() {
            Ok(args) => {
                let found = in_flight.cancel(args.seq);
                self.writer.encode(request, &found, None, out).map_err(CallError::BadReply)
            }
            Err(error) => Err(CallError::BadArguments(error)),
        };
        if let Err(error) = reply {
            self.fail(request, &error, out);
        }
        true
    }
}
