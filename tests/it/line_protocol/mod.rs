//! A line protocol of the program's own, with a login and replies in the order of its lines: all of it, on public API
//! only.

mod order;

use bytes::{Buf, BytesMut};
use rpcwrap::{
    Credential, Credentials,
    codecs::{
        DecodeError, END_OF_STREAM, EncodeError, ErrorReply, Head, Limits, ReplyTo, Request,
        codec::ReplyEncoder,
        text::{TextArgs, Token},
    },
    protocol::{AuthMode, Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
    session::{Answer, Calls, Control, Framing, Start},
};
use rpcwrap_tests::{limit, raw::Peer, server::start, server::tcp, services::services};
use std::sync::Arc;

/// `AUTH u p`, `Arith.Multiply 7 8`, `PING`, `QUIT`: one answer for each line, a stream's end is a full stop.
pub(crate) struct Lines;

impl Protocol for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn class(&self) -> Class {
        Class::Grammar
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![b"AUTH ".to_vec()]
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, b"AUTH ")
    }

    fn auth(&self) -> AuthMode {
        AuthMode::Connection
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        let framing = LineFraming { cx: cx.clone(), limit: 0 };
        let session = cx.session(conn, framing, cx.peer("", None));
        Box::pin(async { Ok(Served::Session(Box::pin(session.run()))) })
    }
}

struct LineFraming {
    cx: ConnCx,
    limit: usize,
}

impl Framing for LineFraming {
    const ORDERED: bool = true;
    type Request = Request;
    type Head = Head;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let len = end.unwrap_or(input.len());
        if len > self.limit {
            return Err(DecodeError::TooBig { len: len as u64, limit: self.limit });
        }
        let Some(end) = end else { return Ok(None) };
        let line = input.split_to(end).freeze();
        input.advance(1);
        Ok(Some(Request::new(line, 0, 0..end, 0..0)))
    }

    fn set_limits(&mut self, limits: Limits) {
        self.limit = limits.max_message_bytes;
    }

    fn wire_len(request: &Request) -> usize {
        request.service_method().len() + 1
    }

    fn control(&mut self, request: &Request) -> Option<Control> {
        let line = String::from_utf8_lossy(request.service_method());
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["PING"] => Some(Control::Answer(Answer::new("PONG\n"))),
            ["QUIT"] => Some(Control::Answer(Answer::new("BYE\n").close())),
            ["AUTH", user, secret] => {
                let (cx, user, secret) = (self.cx.clone(), user.to_owned(), secret.to_owned());
                Some(Control::wait(async move {
                    match cx.verify(&Credential::Password { user: &user, secret: &secret }).await {
                        Ok(user) => Answer::new("OK\n").peer(cx.peer("", Some(user))),
                        Err(denied) if denied.must_close() => Answer::default().close(),
                        Err(denied) => Answer::new(format!("ERR {denied}\n")),
                    }
                }))
            }
            _ => None,
        }
    }

    fn start<'d>(&mut self, request: &Request, calls: Calls<'d, '_>) -> Start<'d> {
        let mut words = request.service_method().split(|byte| *byte == b' ');
        let name = words.next().unwrap_or_default();
        let tokens: Vec<_> = words.map(Token::plain).collect();
        calls.start_text(name, &TextArgs::Words(&tokens), None)
    }

    fn head(request: &Request) -> &Head {
        request.head()
    }

    fn into_head(request: Request) -> Head {
        request.into_head()
    }

    fn reply_to<'a>(&'a mut self, head: &'a Head) -> ReplyTo<'a> {
        ReplyTo::Custom(self, head)
    }
}

/// Replies as JSON, errors behind `ERR`.
impl ReplyEncoder for LineFraming {
    fn encode(
        &mut self,
        _: &Head,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let line = serde_json::to_vec(reply).map_err(|error| EncodeError::new(error.to_string()))?;
        out.extend_from_slice(&[&line[..], b"\n"].concat());
        Ok(())
    }

    fn encode_error(&mut self, _: &Head, error: &ErrorReply, out: &mut BytesMut) {
        let line =
            if error.text == END_OF_STREAM { ".\n".to_owned() } else { format!("ERR {}\n", error.text) };
        out.extend_from_slice(line.as_bytes());
    }
}

#[tokio::test]
async fn lines_are_answered_in_order() {
    let users = Credentials::new([("ala", vec!["kot"])]);
    let server = start(services().credentials(users).require_login().protocol(Lines)).await;
    let addr = tcp(limit(server.listen_only("127.0.0.1:0", &["lines"])).await.unwrap());
    let mut peer = Peer::connect(addr).await;
    peer.send("Arith.Multiply 7 8\nAUTH ala pies\nAUTH ala kot\nArith.Multiply 7 8\nQUIT\nPING\n").await;
    let login = "ERR rpc: Arith.Multiply needs an authenticated connection\nERR authentication failed\nOK\n";
    peer.expect(format!("{login}56\nBYE\n")).await;
    peer.expect_closed().await;
    // Three wrong ones on a connection, and it is over.
    let mut guessing = Peer::connect(addr).await;
    guessing.send("AUTH ala pies\n".repeat(4) + "AUTH ala kot\n").await;
    guessing.expect("ERR authentication failed\n".repeat(2)).await;
    guessing.expect_closed().await;
}
