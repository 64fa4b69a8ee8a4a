//! What differs between the protocols that end in a session: how requests are read and started, and errors written.
//!
//! Every codec's server side is one ([`super::by_codec`]); protocols with a framing of their own implement [`Framing`].
//! Neither sees a socket.

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
use codecs::{DecodeError, END_OF_STREAM, ErrorReply, Limits, ReplyTo};
use std::{sync::Arc, time::Instant};

/// One connection's way of reading requests and answering them.
pub(crate) trait Framing: Send + Sized + 'static {
    /// A request as it was read, with its arguments.
    type Request;

    /// What replies need of a request.
    type Head: Send + 'static;

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
    fn head(request: &Self::Request) -> &Self::Head;

    /// The same to be kept while the call waits, without the buffer that was read.
    fn into_head(request: Self::Request) -> Self::Head;

    /// The number by which a caller may take the call back.
    fn seq(head: &Self::Head) -> Option<u64>;

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

    /// Answers a request for the session itself, whose method dispatch does not know; whether it was one.
    fn control(
        &mut self,
        request: &Self::Request,
        in_flight: &mut InFlight<Self>,
        out: &mut BytesMut,
    ) -> bool {
        let _ = (request, in_flight, out);
        false
    }
}
