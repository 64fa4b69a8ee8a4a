//! `baidu_std`, bRPC's default protocol: its clients call methods on bytes, on protobuf messages, or with JSON.
//!
//! A proof of who the peer is may come with the first message; then a [`Session`](crate::session::Session) serves the
//! connection, with [`framing`] between its bytes and dispatch, and [`failure`] for bRPC's codes and words. What the
//! format is, `codecs` knows. Source: bRPC at commit 71871ee9, `policy/baidu_rpc_protocol.cpp`.

mod failure;
mod framing;

use super::{AuthMode, Conn, ConnCx, Protocol, ProtocolError, ServeFuture, Served, Sniff};
use crate::{
    auth::{Credential, Identity},
    io::{Prefixed, Stream, close::close_gently},
};
use bytes::BytesMut;
use codecs::baidu_std::{MAGIC, NAME, RequestDecoder};
use framing::Frames;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// The most the meta of a peer may hold that has not said who it is, with what is read along with it.
const MAX_UNKNOWN: usize = 8 << 10;

/// The protocol of connections that start with `PRPC`.
pub(crate) struct BaiduStd;

impl Protocol for BaiduStd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![MAGIC.to_vec()]
    }

    /// `authentication_data` of the first message, `user:secret`.
    fn auth(&self) -> AuthMode {
        AuthMode::Connection
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, MAGIC)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        Box::pin(open(conn, cx))
    }
}

/// Where the server has users, learns from the first message who calls.
async fn open(conn: Conn, cx: ConnCx) -> Result<Served, ProtocolError> {
    let (prefix, mut stream) = Prefixed::new(conn.prefix, conn.stream).into_parts();
    let mut input = BytesMut::from(&prefix[..]);
    let limits = cx.dispatch.live.config().message_limits();
    let mut identity = None;
    if cx.has_users() {
        let decoder = RequestDecoder::new(limits);
        let proof = proof(&mut stream, &mut input, &decoder, &cx);
        match cx.dispatch.live.within(|config| config.login_timeout, proof).await {
            Ok(Ok(Proof::None)) => {}
            Ok(Ok(Proof::Good(user))) => identity = Some(user),
            Ok(Ok(Proof::Bad)) | Err(_) => {
                close_gently(&mut stream, || cx.is_hurried()).await?;
                return Ok(Served::Closed);
            }
            Ok(Err(error)) => {
                // It may be sending still; where it is gone there is nothing to close.
                let _ = close_gently(&mut stream, || cx.is_hurried()).await;
                return Err(error);
            }
        }
    }
    let peer = cx.peer("", identity);
    Ok(Served::Session(Box::pin(cx.session_on(stream, input, Frames::new(limits), peer).run())))
}

enum Proof {
    /// None was offered: dispatch decides what such a peer may call.
    None,
    Good(Identity),
    Bad,
}

/// Reads until the first meta is there, and has its proof checked, before anything is called.
async fn proof(
    stream: &mut Stream,
    input: &mut BytesMut,
    decoder: &RequestDecoder,
    cx: &ConnCx,
) -> Result<Proof, ProtocolError> {
    loop {
        if let Some(data) = decoder.authentication_data(input)? {
            return Ok(if data.is_empty() { Proof::None } else { check(data, cx).await });
        }
        if input.len() >= MAX_UNKNOWN {
            return Err(ProtocolError::TooBig { limit: MAX_UNKNOWN });
        }
        input.reserve(512);
        match stream.read_buf(input).await? {
            // The session finds out what the end means.
            0 => return Ok(Proof::None),
            n => cx.tracked.received(n),
        }
    }
}

/// The data is the program's own in bRPC; here it is `user:secret`.
async fn check(data: &[u8], cx: &ConnCx) -> Proof {
    let text = std::str::from_utf8(data).unwrap_or_default();
    let (user, secret) = text.split_once(':').unwrap_or_default();
    match cx.verify(&Credential::Password { user, secret }).await {
        Ok(user) => Proof::Good(user),
        Err(_) => Proof::Bad,
    }
}
