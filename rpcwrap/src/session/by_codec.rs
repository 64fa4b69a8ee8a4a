//! Sessions whose bytes are a codec's and nothing else, compiled for each codec apart.

use super::{End, Framing, InFlight, Session};
use crate::{
    call::dispatch::{Dispatch, Refused, Started},
    call::registry::Entry,
    error::CallError,
    io::Stream,
    method::running::Peer,
    protocol::{ConnCx, ProtoError},
};
use bytes::BytesMut;
use codecs::{AnyServerCodec, DecodeError, Head, ReplyTo, Request, ServerCodec};
use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

/// The method by which a caller takes a call back, as in the fork keegancsmith/rpc.
const CANCEL: &[u8] = b"_goRPC_.Cancel";

/// The argument of [`CANCEL`].
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CancelArgs {
    seq: u64,
}

impl<C: ServerCodec> Framing for C {
    type Request = Request<C::Own>;
    type Head = Head<C::Own>;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError> {
        ServerCodec::decode(self, input)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Request>, DecodeError> {
        ServerCodec::decode_eof(self, input)
    }

    #[inline]
    fn wire_len(request: &Self::Request) -> usize {
        request.wire_len()
    }

    #[inline]
    fn start<'d>(
        &mut self,
        request: &Self::Request,
        last: Option<&'d Arc<Entry>>,
        dispatch: &'d Dispatch,
        peer: &Arc<Peer>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let args = self.args(request);
        dispatch.start_after(last, request.service_method(), args, request.timeout(), peer, now)
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

    /// [`CANCEL`]: the reply says whether the call was still in flight.
    fn control(
        &mut self,
        request: &Self::Request,
        in_flight: &mut InFlight<Self>,
        out: &mut BytesMut,
    ) -> bool {
        if request.service_method() != CANCEL {
            return false;
        }
        let reply = match self.args(request).decode::<CancelArgs>() {
            Ok(args) => {
                let found = in_flight.cancel(args.seq);
                let mut to = ServerCodec::reply_to(self, request.head());
                to.encode(&found, None, out).map_err(CallError::BadReply)
            }
            Err(error) => Err(CallError::BadArguments(error)),
        };
        if let Err(error) = reply {
            self.fail(request.head(), &error, out);
        }
        true
    }
}

/// A session at work, whatever its framing.
pub(crate) type Serving = Pin<Box<dyn Future<Output = Result<End, ProtoError>> + Send>>;

/// Serves the rest of a connection; `input` has been read already.
pub(crate) fn serve(
    stream: Stream,
    input: BytesMut,
    codec: AnyServerCodec,
    cx: &ConnCx,
    peer: Arc<Peer>,
) -> Serving {
    fn run<F: Framing>(stream: Stream, input: BytesMut, framing: F, cx: &ConnCx, peer: Arc<Peer>) -> Serving {
        Box::pin(Box::new(Session::new(stream, input, framing, cx, peer)).run())
    }
    match codec {
        AnyServerCodec::Json(codec) => run(stream, input, codec, cx, peer),
        AnyServerCodec::Bson(codec) => run(stream, input, codec, cx, peer),
        AnyServerCodec::Gob(codec) => run(stream, input, codec, cx, peer),
        AnyServerCodec::Msgpack(codec) => run(stream, input, codec, cx, peer),
        AnyServerCodec::Custom(codec) => run(stream, input, codec, cx, peer),
    }
}
