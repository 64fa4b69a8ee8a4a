//! MessagePack: the bytes of `net-rpc-msgpackrpc` in both shapes of a header, and what becomes of broken ones.

use crate::replay::no_call_is_left;
use rpcwrap::{
    Config,
    codecs::{AnyCodec, TimeForm, types},
};
use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::start,
    services::{Gate, services},
    until,
};

/// `text` as a string of up to 255 bytes.
fn text(text: &str) -> Vec<u8> {
    match u8::try_from(text.len()).unwrap() {
        len @ 0..=31 => [&[0xA0 | len], text.as_bytes()].concat(),
        len => [&[0xD9, len], text.as_bytes()].concat(),
    }
}

/// A request as Go's client writes it.
fn request(method: &str, seq: u8, args: &[u8]) -> Vec<u8> {
    [b"\x82\xA3Seq", &[seq][..], b"\xADServiceMethod", &text(method), args].concat()
}

/// A reply as this server writes it.
fn reply(method: &str, seq: u8, error: &str, body: &[u8]) -> Vec<u8> {
    [b"\x83\xADServiceMethod", &text(method)[..], b"\xA3Seq", &[seq], b"\xA5Error", &text(error), body]
        .concat()
}

#[tokio::test]
async fn each_request_gets_its_bytes_however_it_comes() {
    let server = start(services()).await;
    let args = b"\x82\xA1A\x07\xA1B\xF8";
    for (send, expect) in [
        (request("Arith.Multiply", 0, args), reply("Arith.Multiply", 0, "", b"\xD0\xC8")),
        (
            [&b"\x92"[..], &text("Arith.Multiply"), b"\x05\x92\x07\x08"].concat(),
            reply("Arith.Multiply", 5, "", b"\x38"),
        ),
        (request("Arith.Multiply", 1, b"\x81\xA1A\x07"), reply("Arith.Multiply", 1, "", b"\x00")),
        (request("Arith.Multiply", 1, b"\xC0"), reply("Arith.Multiply", 1, "", b"\x00")),
        (
            request("Arith.Divide", 2, b"\x82\xA1A\x11\xA1B\x05"),
            reply("Arith.Divide", 2, "", b"\x82\xA3Quo\x03\xA3Rem\x02"),
        ),
        (request("Arith.Divide", 3, b"\x81\xA1A\x11"), reply("Arith.Divide", 3, "divide by zero", b"\xC0")),
        (request("X", 4, b"\x80"), reply("X", 4, "rpc: service/method request ill-formed: X", b"\xC0")),
        (
            request("Arith.X", 4, b"\x93\x01\x81\x02\xC0\xC7\x01\x05\x00"),
            reply("Arith.X", 4, "rpc: can't find method Arith.X", b"\xC0"),
        ),
        (request("Echo.String", 6, b"\xA2hi"), reply("Echo.String", 6, "", b"\xA2hi")),
        (request("Echo.String", 6, b"\xA2h\xFF"), reply("Echo.String", 6, "", b"\xA2h\xFF")),
        (request("Echo.Bytes", 6, b"\xA2h\xFF"), reply("Echo.Bytes", 6, "", b"\xC4\x02h\xFF")),
        (
            request("Echo.Time", 6, b"\xA4\x54\xB7\x68\x19"),
            reply("Echo.Time", 6, "", b"\xA4\x54\xB7\x68\x19"),
        ),
        (
            request("Echo.Time", 6, b"\xD6\xFF\x54\xB7\x68\x19"),
            reply("Echo.Time", 6, "", b"\xD6\xFF\x54\xB7\x68\x19"),
        ),
        (
            request("Echo.Time", 6, b"\xC4\x10\x02\0\0\0\x0E\xDC\xE5\xE8\0\0\0\0\x05\0\x3C\x1E"),
            reply("Echo.Time", 6, "", b"\xB0\x02\0\0\0\x0E\xDC\xE5\xE8\0\0\0\0\x05\0\x3C\x1E"),
        ),
        (
            request("Echo.Any", 6, b"\x92\xA1\xFF\xC4\x01\xFF"),
            reply("Echo.Any", 6, "", b"\x92\xA1\xFF\xC4\x01\xFF"),
        ),
        (
            request("Arith.Multiply", 6, b"\x83\xA1A\x07\xA1A\x09\xA1B\x01"),
            reply("Arith.Multiply", 6, "", b"\x09"),
        ),
        (
            request("Echo.Any", 7, b"\x82\xA1a\x93\xC0\xC3\x01\x05\xCA\x3F\xC0\0\0"),
            reply("Echo.Any", 7, "", b"\x82\xA1a\x93\xC0\xC3\x01\xA15\xCB\x3F\xF8\0\0\0\0\0\0"),
        ),
        (request("Echo.Empty", 8, b"\x80"), reply("Echo.Empty", 8, "", b"\x80")),
        (
            request("Stream.Count", 9, b"\x81\xA1N\x02"),
            [
                reply("Stream.Count", 9, "", b"\x82\xA1C\x02\xA5Index\x00"),
                reply("Stream.Count", 9, "", b"\x82\xA1C\x02\xA5Index\x01"),
                reply("Stream.Count", 9, "EOS", b"\xC0"),
            ]
            .concat(),
        ),
    ] {
        for pieces in each_split(&send) {
            let mut peer = Peer::in_memory_codec(&server, "msgpack").await;
            peer.send_pieces(&pieces).await;
            peer.half_close().await;
            let got = peer.read_to_end().await;
            assert_eq!(got.escape_ascii().to_string(), expect.escape_ascii().to_string());
        }
        let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
        peer.send(&send).await;
        peer.expect(&expect).await;
    }
    until(|| server.snapshot().server.connections == 0).await;
    no_call_is_left(&server);
}

#[tokio::test]
async fn arguments_of_another_type_fail_that_call_only() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
    for (args, what) in [
        (&b"\xA17"[..], "string into Args"),
        (b"\x81\xA1A\xA17", "string into int"),
        (b"\x81\xA1A\xCB\x3F\xF8\0\0\0\0\0\0", "float into int"),
        (b"\xC3", "bool into Args"),
    ] {
        peer.send(request("Arith.Multiply", 1, args)).await;
        peer.expect(reply("Arith.Multiply", 1, &format!("msgpack: cannot decode {what}"), b"\xC0")).await;
    }
    peer.send(request("Arith.Multiply", 2, b"\x82\xA1A\x07\xA1B\x08")).await;
    peer.expect(reply("Arith.Multiply", 2, "", b"\x38")).await;
}

#[tokio::test]
async fn broken_bytes_close_and_a_broken_body_is_answered_first() {
    let server = start(services()).await;
    for bytes in
        [&b"\xC1"[..], b"\xC0", b"\x05", b"\x81\xA3Seq\xFF", b"\xDF\xFF\xFF\xFF\xFF", b"\xDB\x7F\xFF\xFF\xFF"]
    {
        let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
        peer.send(bytes).await;
        peer.expect_closed().await;
    }
    for (body, what) in [
        (&b"\xC1"[..], "malformed at byte 35: the byte c1 starts no value"),
        (b"\xDF\xFF\xFF\xFF\xFF", "message of 8589934630 bytes, limit 67108864"),
        (&[0x91; 101], "nesting deeper than 100"),
    ] {
        let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
        peer.send(request("Arith.Multiply", 1, body)).await;
        peer.expect(reply("Arith.Multiply", 1, what, b"\xC0")).await;
        peer.expect_closed().await;
    }
    assert!(server.snapshot().server.malformed >= 6);
}

#[tokio::test]
async fn a_call_can_be_limited_and_taken_back() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
    let limited =
        [&b"\x84\xA3Seq\x01\xADServiceMethod"[..], &text("Gate.Wait"), b"\xA7Timeout\x05\xA7Details\xC3\x01"];
    peer.send(limited.concat()).await;
    let mut late = reply("Gate.Wait", 1, "rpc: deadline exceeded after 5 ms", b"\xA4Code\xA8deadline\xC0");
    late[0] = 0x84;
    peer.expect(late).await;
    peer.send(request("Gate.Wait", 2, b"\x02")).await;
    peer.send(request("_goRPC_.Cancel", 3, b"\x81\xA3Seq\x02")).await;
    let (found, canceled) =
        (reply("_goRPC_.Cancel", 3, "", b"\xC3"), reply("Gate.Wait", 2, "context canceled", b"\xC0"));
    peer.expect([found, canceled].concat()).await;
}

/// 2023-11-14T22:13:20.000000005Z as Go marshals it, as go-msgpack 0.5 writes it; as the bytes of the extension, as later
/// ones do; and as the extension.
const TIMES: [&[u8]; 3] = [
    b"\xAF\x01\0\0\0\x0E\xDC\xE5\xE8\0\0\0\0\x05\xFF\xFF",
    b"\xA8\0\0\0\x14\x65\x53\xF1\0",
    b"\xD7\xFF\0\0\0\x14\x65\x53\xF1\0",
];

/// The header's first member is the name here, and the reply's second.
#[tokio::test]
async fn a_time_is_answered_in_the_form_it_came_in() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "msgpack").await;
    for time in TIMES.iter().chain(&TIMES) {
        peer.send([&b"\x82\xADServiceMethod\xA9Echo.Time\xA3Seq\x01"[..], time].concat()).await;
        peer.expect(reply("Echo.Time", 1, "", time)).await;
        // What was sent before goes for times that were not.
        peer.send(request("Echo.Hold", 2, b"\x81\xA1V\xD6\xFF\x54\xB7\x68\x19")).await;
        peer.expect(reply("Echo.Hold", 2, "", b"\x81\xA1V\xD6\xFF\x54\xB7\x68\x19")).await;
    }
}

#[tokio::test]
async fn a_setting_chooses_for_peers_that_have_sent_no_time() {
    let config = Config::default().msgpack_times(TimeForm::GoBinary);
    let server = start(services().config(config)).await;
    let zero = b"\xAF\x01\0\0\0\0\0\0\0\0\0\0\0\0\xFF\xFF";
    for raw in [false, true] {
        let mut peer = if raw {
            Peer::connect(server.addr).await
        } else {
            Peer::connect_codec(server.addr, "msgpack").await
        };
        peer.send(request("Echo.Time", 1, b"\xC0")).await;
        peer.expect(reply("Echo.Time", 1, "", zero)).await;
        peer.send(request("Echo.Time", 2, TIMES[2])).await;
        peer.expect(reply("Echo.Time", 2, "", TIMES[2])).await;
        peer.send(request("Echo.Time", 3, b"\xC0")).await;
        peer.expect(reply("Echo.Time", 3, "", b"\xC7\x0C\xFF\0\0\0\0\xFF\xFF\xFF\xF1\x88\x6E\x09\0")).await;
    }
}

#[tokio::test]
async fn our_client_writes_times_in_the_form_it_is_told() {
    let server = start(services()).await;
    let time: types::Time = "2023-11-14T22:13:20.000000005Z".parse().unwrap();
    for form in [TimeForm::Extension, TimeForm::Timestamp, TimeForm::GoBinary] {
        let client =
            rpcwrap_client::dial(&server.addr.to_string(), AnyCodec::MsgpackTimes(form)).await.unwrap();
        assert_eq!(client.call::<_, types::Time>("Echo.Time", &time).await.unwrap(), time);
    }
}
