//! Sessions whose bytes are a codec's and nothing else, compiled for each codec apart.

use super::{End, Framing, InFlight, Session};
use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::Started,
        registry::Entry,
    },
    error::{CallError, ProtoError},
    io::Stream,
    live::tracker::Tracked,
    peer::Peer,
};
use bytes::BytesMut;
use codecs::{AnyServerCodec, DecodeError, Head, Limits, ReplyTo, Request, ServerCodec};
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

    fn set_limits(&mut self, limits: Limits) {
        ServerCodec::set_limits(self, limits);
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
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let args = self.args(request);
        dispatch.start_after(last, request.service_method(), args, request.timeout(), caller, now)
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

impl<F: Framing> Session<F> {
    fn serve(self) -> Serving {
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
) -> Serving {
    match codec {
        AnyServerCodec::Json(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        AnyServerCodec::Bson(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        AnyServerCodec::Gob(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        AnyServerCodec::Msgpack(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
        AnyServerCodec::Custom(codec) => Session::new(stream, input, codec, dispatch, tracked, peer).serve(),
    }
}
