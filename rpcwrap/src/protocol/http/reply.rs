//! A call under way whose replies become one HTTP body: a value, lines, or a codec's messages.

use super::respond;
use crate::{call::in_flight::InFlightCall, error::CallError, method::running::Written};
use bytes::{Bytes, BytesMut};
use codecs::{AnyRequest, AnyServerCodec, END_OF_STREAM, ErrorReply, ReplyTo};
use std::{
    future::poll_fn,
    task::{Context, Poll},
};

/// Items are gathered up to this size while more of them are ready.
const CHUNK: usize = 16 << 10;

/// How the replies of a call are written.
pub(super) enum Replies {
    /// As bare JSON values: HTTP then says itself where one ends and what failed.
    Bare,
    /// As a codec's messages, the answer to a request whose arguments are gone.
    Codec(Box<(AnyServerCodec, AnyRequest)>),
}

impl Replies {
    fn to(&mut self) -> ReplyTo<'_> {
        match self {
            Self::Bare => ReplyTo::JsonValue,
            Self::Codec(codec) => {
                let (codec, request) = &mut **codec;
                codec.reply_to(request)
            }
        }
    }
}

/// One call and how its replies are written.
pub(super) struct Answer {
    call: InFlightCall,
    replies: Replies,
    out: BytesMut,
    over: bool,
}

/// What a call's first reply says about the rest.
pub(super) enum First {
    /// That was all of it, and a line end after a bare value.
    Only(Bytes),
    /// A stream, which goes on.
    Stream(Box<Answer>),
    /// A stream without items; a codec's own mark of the end.
    Empty(Bytes),
    /// It failed before there was anything to send, and its codec has no words for that.
    Failed(CallError),
}

impl Answer {
    pub(super) fn new(call: InFlightCall, replies: Replies) -> Self {
        Self { call, replies, out: BytesMut::new(), over: false }
    }

    /// Waits for the first reply. Dropping the future drops the call.
    pub(super) async fn first(mut self) -> First {
        loop {
            poll_fn(|cx| self.call.poll(cx)).await;
            match self.write_next() {
                Written::Later => {}
                Written::Item => return First::Stream(Box::new(self)),
                Written::End => return First::Empty(self.out.freeze()),
                Written::Last(Err(error)) if self.is_bare() => return First::Failed(*error),
                Written::Last(_) => return First::Only(self.out.freeze()),
            }
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over && self.out.is_empty()
    }

    /// The next bytes of a stream: as many items as are or the wait for one.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.over && self.out.len() < CHUNK {
            match self.call.poll(cx) {
                Poll::Ready(()) => _ = self.write_next(),
                Poll::Pending if self.out.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if self.out.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.out.split().freeze()))
    }

    /// Writes what is ready, an error or the end of a stream too.
    fn write_next(&mut self) -> Written {
        let written = self.call.write(&mut self.replies.to(), &mut self.out);
        match &written {
            Written::Later => return written,
            Written::Item | Written::Last(Ok(())) if self.is_bare() => self.out.extend_from_slice(b"\n"),
            Written::Item | Written::Last(Ok(())) => {}
            Written::End => self.replies.to().encode_error(&ErrorReply::new(END_OF_STREAM), &mut self.out),
            Written::Last(Err(error)) => self.end_with(error),
        }
        self.over = !matches!(written, Written::Item);
        written
    }

    fn is_bare(&self) -> bool {
        matches!(self.replies, Replies::Bare)
    }

    fn end_with(&mut self, error: &CallError) {
        if self.is_bare() {
            self.out.extend_from_slice(&respond::error_text(error.code(), &error.to_string(), error.data()));
        } else {
            self.replies.to().encode_error(&error.to_reply(), &mut self.out);
        }
    }
}
