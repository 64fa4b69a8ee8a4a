//! Sessions whose bytes are a codec's and nothing else, compiled for each codec apart.

use super::{Answer, Calls, Control, Framing, Session, SessionFuture, Start};
use crate::{call::dispatch::Dispatch, error::CallError, io::Stream, live::tracked::Tracked, peer::Peer};
use bytes::BytesMut;
use codecs::{AnyServerCodec, DecodeError, Head, Limits, ReplyTo, Request, ServerCodec};
use std::sync::Arc;

/// The method by which a caller takes a call back, as in the fork keegancsmith/rpc.
const CANCEL: &[u8] = b"_goRPC_.Cancel";

/// The argument of [`CANCEL`].
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CancelArgs {
    seq: u64,
}

impl<C: ServerCodec> Framing for C {
    type Request = Request<C::Extension>;
    type Head = Head<C::Extension>;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError> {
        ServerCodec::decode(self, input)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError> {
        ServerCodec::decode_eof(self, input)
    }

    fn set_limits(&mut self, limits: Limits) {
        ServerCodec::set_limits(self, limits);
    }

    #[inline]
    fn held_bytes(&self) -> usize {
        ServerCodec::held_bytes(self)
    }

    #[inline]
    fn wire_len(request: &Self::Request) -> usize {
        request.wire_len()
    }

    #[inline]
    fn control(&mut self, request: &Self::Request) -> Option<Control> {
        if request.head().is_of(CANCEL) { Some(cancel(self, request)) } else { None }
    }

    #[inline(always)]
    fn start<'d>(&mut self, request: &Self::Request, calls: Calls<'d, '_>) -> Start<'d> {
        calls.start(request.service_method(), self.args(request), request.timeout())
    }

    #[inline]
    fn head(request: &Self::Request) -> &Self::Head {
        request.head()
    }

    fn into_head(request: Self::Request) -> Self::Head {
        request.into_head()
    }

    fn seq(head: &Self::Head) -> Option<u64> {
        Some(head.seq())
    }

    #[inline]
    fn reply_to<'a>(&'a mut self, head: &'a Self::Head) -> ReplyTo<'a> {
        ServerCodec::reply_to(self, head)
    }

    /// The reply says whether the call was still in flight.
    fn canceled(&mut self, request: &Self::Request, found: bool, out: &mut BytesMut) {
        let written = ServerCodec::reply_to(self, request.head()).encode(&found, None, out);
        if let Err(error) = written {
            self.fail(request.head(), &CallError::BadReply(error), out);
        }
    }
}

/// What a [`CANCEL`] asks for.
#[cold]
fn cancel<C: ServerCodec>(codec: &mut C, request: &Request<C::Extension>) -> Control {
    let error = match codec.args(request).decode::<CancelArgs>() {
        Ok(args) => return Control::Cancel(args.seq),
        Err(error) => error,
    };
    let (mut out, is_fatal) = (BytesMut::new(), error.is_fatal());
    codec.fail(request.head(), &CallError::BadArguments(error), &mut out);
    let answer = Answer::new(out);
    Control::Answer(if is_fatal { answer.close() } else { answer })
}

impl<F: Framing> Session<F> {
    fn serve(self) -> SessionFuture {
        Box::pin(Box::new(self).run())
    }
}

/// The session of `peer` on `stream`, of which `input` has been read already, in which its calls come by `codec`.
pub(crate) fn serve(
    stream: Stream,
    input: BytesMut,
    codec: AnyServerCodec,
    dispatch: Arc<Dispatch>,
    tracked: Arc<Tracked>,
    peer: Arc<Peer>,
) -> SessionFuture {
    match codec {
        AnyServerCodec::Json(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        #[cfg(feature = "bson")]
        AnyServerCodec::Bson(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        #[cfg(feature = "gob")]
        AnyServerCodec::Gob(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        #[cfg(feature = "msgpack")]
        AnyServerCodec::Msgpack(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        AnyServerCodec::Custom(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
    }
}
