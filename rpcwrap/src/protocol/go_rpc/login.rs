//! The login before an authenticated session: one request at a time, few, small and soon.

use super::{CodecConn, ConnCx};
use crate::{
    auth::{
        Identity,
        cram_md5::{Answer, Dialog, LoginStep},
    },
    error::CallError,
    io::Stream,
};
use bytes::BytesMut;
use codecs::{AnyRequest, AnyServerCodec, EncodeError, cram_md5::SERVICE};
use std::io;
use tokio::io::AsyncReadExt;

/// The most one message of a peer may hold that has not said who it is.
pub(super) const MAX_BYTES: usize = 4 << 10;

/// Runs the dialog; the user, or `None` if the connection is to be closed. Requests that came with the last one of
/// the dialog stay in its input.
pub(super) async fn run(codec_conn: &mut CodecConn, cx: &ConnCx) -> io::Result<Option<Identity>> {
    let dialog = cx.dispatch.live.within(|config| config.login_timeout, dialog(codec_conn, cx));
    let user = dialog.await.unwrap_or(Ok(None))?;
    cx.count_login(user.as_ref());
    Ok(user)
}

async fn dialog(codec_conn: &mut CodecConn, cx: &ConnCx) -> io::Result<Option<Identity>> {
    if !cx.has_users() {
        return Ok(None);
    }
    let CodecConn { stream, input, codec } = codec_conn;
    let mut dialog = Dialog::default();
    while !dialog.is_over() {
        let Some(request) = next_request(stream, input, codec, cx).await? else { break };
        let mut out = BytesMut::new();
        let answer = match dialog.ask(request.service_method(), codec.args(&request)) {
            LoginStep::Check(proof) => dialog.judge(cx.check_login(&dialog.credential(&proof)).await),
            LoginStep::Answered(answer) => answer,
            LoginStep::Other => {
                let name = request.service_method();
                Answer::Never(CallError::unknown(name, |service| service == SERVICE))
            }
        };
        let mut to = codec.reply_to(&request);
        let unfit = |error: EncodeError| io::Error::other(error.text().to_owned());
        match &answer {
            Answer::Challenge(challenge) => to.encode(challenge, None, &mut out).map_err(unfit)?,
            Answer::Welcome(_) => to.encode(&(), None, &mut out).map_err(unfit)?,
            Answer::Again(error) | Answer::Never(error) => to.encode_error(&error.to_reply(), &mut out),
        }
        stream.send(&out).await?;
        cx.tracked.sent(out.len());
        match answer {
            Answer::Challenge(_) | Answer::Again(_) => {}
            Answer::Welcome(user) => return Ok(Some(user)),
            Answer::Never(_) => break,
        }
    }
    Ok(None)
}

/// The next request, or `None` if there will be none.
async fn next_request(
    stream: &mut Stream,
    input: &mut BytesMut,
    codec: &mut AnyServerCodec,
    cx: &ConnCx,
) -> io::Result<Option<AnyRequest>> {
    loop {
        match codec.decode(input) {
            Ok(Some(request)) => return Ok(Some(request)),
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
        input.reserve(512);
        match stream.read_buf(input).await? {
            0 => return Ok(codec.decode_eof(input).ok().flatten()),
            n => cx.tracked.received(n),
        }
    }
}
