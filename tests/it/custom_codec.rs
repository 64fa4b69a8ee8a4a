//! A codec of the program's own: served on its path, behind the login, with everything the built-in ones have.

use bytes::{BufMut, BytesMut};
use rpcwrap::codecs::{
    CallOptions, Codec, DecodeError, EncodeError, ErrorReply, Head, Limits, Reply, Request, ValueError,
    codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
    cram_md5,
};
use rpcwrap::{ConfigError, Credentials};
use rpcwrap_tests::{
    raw::Peer,
    server::start,
    services::{Gate, services},
    until,
};
use std::time::Duration;

/// `name|seq|timeout|json` and a line end; replies `seq|json` or `seq!text`.
struct Bars(&'static str);

/// The server's two halves.
struct BarsHalf;

impl Codec for Bars {
    fn name(&self) -> &str {
        self.0
    }
    fn request_decoder(&self, _: Limits) -> Box<dyn RequestDecoder> {
        Box::new(BarsHalf)
    }
    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        Box::new(BarsHalf)
    }
    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::new(NoClient)
    }
    fn reply_decoder(&self, _: Limits) -> Box<dyn ReplyDecoder> {
        Box::new(NoClient)
    }
}

impl RequestDecoder for BarsHalf {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some(end) = buf.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line = buf.split_to(end + 1).freeze();
        let bars: Vec<usize> =
            line.iter().enumerate().filter(|(_, b)| **b == b'|').map(|(at, _)| at).collect();
        let [first, second, third, ..] = bars[..] else {
            return Err(DecodeError::Malformed { at: 0, what: "want three bars" });
        };
        let number =
            |from: usize, to: usize| std::str::from_utf8(&line[from + 1..to]).unwrap().parse::<u64>();
        let timeout = number(second, third).ok().map(Duration::from_millis);
        let seq = number(first, second).unwrap_or(0);
        Ok(Some(Request::new(line.clone(), seq, 0..first, third + 1..end).with_timeout(timeout)))
    }

    fn args(&self, request: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(request, visit)
    }
}

/// Arguments that are JSON.
pub(crate) fn visit_json(request: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(request.args().map_err(Clone::clone)?);
    let mut json = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
    visit(&mut json).map_err(|error| ValueError::new(error.to_string()))
}

impl ReplyEncoder for BarsHalf {
    fn encode(
        &mut self,
        head: &Head,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let json = serde_json::to_string(reply).map_err(|error| EncodeError::new(error.to_string()))?;
        out.put_slice(format!("{}|{json}\n", head.seq()).as_bytes());
        Ok(())
    }

    fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        out.put_slice(format!("{}!{}\n", head.seq(), error.text).as_bytes());
    }
}

/// The client's two halves of a codec that only a server uses here.
pub(crate) struct NoClient;

impl RequestEncoder for NoClient {
    fn encode(
        &mut self,
        _: u64,
        _: &str,
        _: CallOptions,
        _: &dyn erased_serde::Serialize,
        _: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        Err(EncodeError::new("servers make no requests"))
    }
}

impl ReplyDecoder for NoClient {
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        Ok(None)
    }

    fn body(&self, _: &Reply, _: Visit<'_>) -> Result<(), ValueError> {
        Err(ValueError::new("servers read no replies"))
    }
}

#[tokio::test]
async fn a_custom_codec_is_served_like_the_built_in_ones() {
    let gate = Gate::default();
    let server = start(services().codec(Bars("bars")).service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "bars").await;
    for (request, reply) in [
        ("Arith.Multiply|1||{\"A\":6,\"B\":7}", "1|42"),
        ("Arith.Divide|2||{\"A\":6,\"B\":0}", "2!divide by zero"),
        ("Nope.Nope|3||what", "3!rpc: can't find service Nope.Nope"),
        ("Ctx.Who|4||\"\"", "4|\"go_rpc bars -\""),
        ("Gate.Wait|5|20|1", "5!rpc: deadline exceeded after 20 ms"),
    ] {
        peer.send(format!("{request}\n")).await;
        assert_eq!(peer.read_line().await, reply);
    }
    peer.send("Stream.Count|6||{\"N\":2}\n").await;
    peer.expect("6|{\"C\":2,\"Index\":0}\n6|{\"C\":2,\"Index\":1}\n6!EOS\n").await;
    // Several at once, one of them waiting; then taken back.
    peer.send("Gate.Wait|7||1\nEcho.Int|8||5\n_goRPC_.Cancel|9||{\"Seq\":7}\n").await;
    let mut lines = vec![peer.read_line().await, peer.read_line().await, peer.read_line().await];
    lines.sort();
    assert_eq!(lines, ["7!context canceled", "8|5", "9|true"]);
    peer.send("Echo.Int|10||\"x\"\n").await;
    assert!(peer.read_line().await.starts_with("10!invalid type"));
    // Out of step: closed without a word, and counted.
    peer.send("no bars\n").await;
    peer.expect_closed().await;
    until(|| server.snapshot().server.malformed == 1).await;
}

#[tokio::test]
async fn a_custom_codec_has_a_login_path() {
    let users = Credentials::new([("ala", ["ma kota"])]);
    let server = start(services().codec(Bars("bars")).credentials(users)).await;
    let mut peer = Peer::connect(server.addr).await.handshake("/_bars_rpc_/auth").await;
    peer.send("AuthenticatorCRAMMD5.GetNewChallenge|1||\"\"\n").await;
    let line = peer.read_line().await;
    let reply: serde_json::Value = serde_json::from_str(line.strip_prefix("1|").unwrap()).unwrap();
    let proof = cram_md5::proof("ala", "ma kota", reply["Challenge"].as_str().unwrap());
    peer.send(format!("AuthenticatorCRAMMD5.Authenticate|2||{{\"Proof\":\"{proof}\"}}\n")).await;
    assert!(peer.read_line().await.starts_with("2|"));
    peer.send("Ctx.Who|3||\"\"\n").await;
    peer.expect("3|\"go_rpc bars ala\"\n").await;
}

#[tokio::test]
async fn names_of_custom_codecs_are_checked() {
    for name in ["", "Bars", "a-b", "a b"] {
        let error = services().codec(Bars(name)).build().unwrap_err();
        assert!(matches!(error, ConfigError::BadName { what: "codec", .. }), "{name}");
    }
    let error = services().codec(Bars("json")).build().unwrap_err();
    assert_eq!(error, ConfigError::DuplicateCodec("json".into()));
}
