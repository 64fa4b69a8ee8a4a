//! Go-RPC: after CONNECT the socket is a codec's, requests in and replies out, each as it is ready.
//!
//! [`login`] comes first on `/auth` paths, then a session for the rest of the connection's life; [`raw`] connections
//! begin with it. Requests become calls through dispatch only; names, access and limits are its business.

mod login;
mod raw;

pub(crate) use raw::Raw;

use super::{AuthMode, Conn, ConnCx, Protocol, ProtocolError, ServeFuture, Served, Sniff};
use crate::{
    auth::Identity,
    io::{Prefixed, Stream, close::close_gently},
    session::SessionFuture,
};
use bytes::BytesMut;
use codecs::{AnyCodec, AnyServerCodec, Limits, connect};
use std::sync::Arc;

/// The protocol behind `CONNECT /_<codec>_rpc_`.
pub(crate) struct GoRpc {
    /// Served with their `/auth` paths.
    pub(crate) codecs: Arc<[AnyCodec]>,
}

impl GoRpc {
    pub(crate) const NAME: &'static str = "go_rpc";

    fn codec_of(&self, path: &str) -> Option<(&AnyCodec, bool)> {
        let (name, auth) = connect::parse_path(path)?;
        let codec = self.codecs.iter().find(|codec| codec.name() == name)?;
        Some((codec, auth))
    }
}

impl Protocol for GoRpc {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// HTTP owns the opening and hands the connection over.
    fn prefaces(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn auth(&self) -> AuthMode {
        AuthMode::Connection
    }

    fn sniff(&self, _head: &[u8]) -> Sniff {
        Sniff::No
    }

    fn takes_path(&self, path: &str) -> bool {
        self.codec_of(path).is_some()
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        let path = conn.path.as_deref().unwrap_or_default();
        let Some((codec, auth)) = self.codec_of(path) else {
            return Box::pin(async { Ok(Served::Closed) });
        };
        Box::pin(open(conn, codec.clone(), auth, cx))
    }
}

/// Answers the CONNECT and, where the path asks for it, the login.
async fn open(mut conn: Conn, codec: AnyCodec, auth: bool, cx: ConnCx) -> Result<Served, ProtocolError> {
    let answer = [&conn.unsent, connect::OK].concat();
    conn.stream.send(&answer).await?;
    cx.tracked.sent(answer.len());
    let mut codec_conn = CodecConn::new(conn, &codec, &cx);
    let mut user = None;
    if auth {
        let limits = cx.dispatch.live.config().message_limits();
        codec_conn.codec.set_limits(Limits { max_message_bytes: login::MAX_BYTES, ..limits });
        // On the heap: few connections log in, and all of them would carry it.
        user = Box::pin(login::run(&mut codec_conn, &cx)).await?;
        if user.is_none() {
            close_gently(&mut codec_conn.stream, || cx.is_hurried()).await?;
            return Ok(Served::Closed);
        }
        codec_conn.codec.set_limits(limits);
    }
    Ok(Served::Session(codec_conn.serve(&codec, user, &cx)))
}

/// A connection in the hands of a codec.
struct CodecConn {
    stream: Stream,
    /// Read and not yet decoded.
    input: BytesMut,
    codec: AnyServerCodec,
}

impl CodecConn {
    fn new(conn: Conn, codec: &AnyCodec, cx: &ConnCx) -> Self {
        let (prefix, stream) = Prefixed::new(conn.prefix, conn.stream).into_parts();
        let codec = codec.server(cx.dispatch.live.config().message_limits());
        Self { stream, input: BytesMut::from(&prefix[..]), codec }
    }

    fn serve(self, codec: &AnyCodec, user: Option<Identity>, cx: &ConnCx) -> SessionFuture {
        let peer = cx.peer(codec.name(), user);
        cx.codec_session(self.stream, self.input, self.codec, peer)
    }
}
