//! The first-byte table: what each opening is taken for, whole, split at every byte and one byte at a time.

use crate::{gob::OF_GO, one_port::nshead};
use rpcwrap::{
    Builder, Server, Verdict,
    protocol::{Protocol, Sniff},
};
use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::start,
    services::services,
};

/// An opening, who takes it, and what the answer of a connection that goes on so begins with.
struct Row(&'static [u8], Option<&'static str>, &'static [u8]);

const HTTP: Option<&str> = Some("http");
const REDIS: Option<&str> = Some("redis");
const NO_PROTOCOL: Option<&str> = None;

/// Every kind of first bytes clients and probes send, of the protocols a server has by itself.
const TABLE: [Row; 59] = [
    Row(b"CONNECT /_json_rpc_ HTTP/1.0\n\n", HTTP, b"HTTP/1.0 200 Connected to Go RPC\n\n"),
    Row(b"CONNECT /_bson_rpc_ HTTP/1.0\r\n\r\n", HTTP, b"HTTP/1.0 200 Connected to Go RPC\n\n"),
    Row(
        b"CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\nProxy-Connection: Keep-Alive\r\n\r\n",
        HTTP,
        b"HTTP/1.1 404 ",
    ),
    Row(b"CONNECT /_nope_rpc_ HTTP/1.0\n\n", HTTP, b"HTTP/1.0 404 "),
    Row(b"connect /_json_rpc_ HTTP/1.0\n\n", HTTP, b"HTTP/1.0 405 "),
    Row(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", HTTP, b"HTTP/1.1 200 "),
    Row(b"GET /debug/health HTTP/1.0\r\n\r\n", HTTP, b"HTTP/1.0 200 "),
    Row(b"HEAD /healthz HTTP/1.0\r\n\r\n", HTTP, b"HTTP/1.0 200 "),
    Row(b"GET /healthz HTTP/1.1\r\nhost: rpc.example\r\nconnection: close\r\n\r\n", HTTP, b"HTTP/1.1 200 "),
    Row(b"OPTIONS / HTTP/1.0\r\n\r\n", HTTP, b"HTTP/1.0 200 "),
    Row(b"POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n5", HTTP, b"HTTP/1.1 200 "),
    Row(b"POST x\r\n\r\n", HTTP, b"HTTP/1.1 400 "),
    Row(b"PROPFIND /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", HTTP, b"HTTP/1.1 404 "),
    Row(b"COPY /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", HTTP, b"HTTP/1.1 404 "),
    Row(b"FOO /nowhere HTTP/1.1\r\nHost: xyz\r\n\r\n", HTTP, b"HTTP/1.1 404 "),
    Row(b"GET / HTTP/9.9\r\n\r\n", HTTP, b"HTTP/1."),
    // Blank lines before an opening, at most four, are skipped.
    Row(b"\r\n\n\r\n\nGET /healthz HTTP/1.0\r\n\r\n", HTTP, b"HTTP/1.0 200 "),
    Row(b"\n\n\n\n\nGET /healthz HTTP/1.0\r\n\r\n", NO_PROTOCOL, b""),
    Row(b"\rGET /healthz HTTP/1.0\r\n\r\n", NO_PROTOCOL, b""),
    // HAProxy's agent check.
    Row(b"agent\n", Some("agent_check"), b"ready up 100%\n"),
    Row(b"agents\n", NO_PROTOCOL, b""),
    // baidu_std, by its magic alone: an empty message has no method to call.
    Row(b"PRPC\0\0\0\0\0\0\0\0", Some("baidu_std"), b""),
    Row(
        b"PRPC\0\0\0\x24\0\0\0\x17\x0a\x11\x0a\x05Arith\x12\x08Multiply\x20\x07\x50\x01{\"A\":7,\"B\":8}",
        Some("baidu_std"),
        b"PRPC\0\0\0\x0a\0\0\0\x08\x12\x02\x08\0\x20\x07\x50\x0156",
    ),
    Row(b"PRPX\0\0\0\0\0\0\0\0", NO_PROTOCOL, b""),
    // HTTP/2 with prior knowledge; the answer is a frame of settings. A line like it is a request of HTTP/1.
    Row(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", Some("http2"), b"\0\0"),
    Row(b"PRI * HTTP/2.0\r\n\r\nNO\r\n\r\n", HTTP, b"HTTP/1.1 400 "),
    // Go's rpc.Dial, jsonrpc.Dial and msgpackrpc.Dial, without CONNECT.
    Row(OF_GO, Some("raw_gob"), b":\xff\x81\x03\x01\x01\x08Response\x01\xff\x82"),
    Row(
        b"{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":0}\n",
        Some("raw_json"),
        b"{\"id\":0,\"result\":56,\"error\":null}\n",
    ),
    Row(
        b" \t{\"method\":\"Echo.Int\",\"params\":[5],\"id\":0}",
        Some("raw_json"),
        b"{\"id\":0,\"result\":5,",
    ),
    Row(b"[{\"method\":\"Echo.Int\",\"params\":[5],\"id\":0}]", Some("raw_json"), b""),
    // Whatever blanks JSON may have in front, also more lines of them than others may.
    Row(
        b" \n{\"method\":\"Echo.Int\",\"params\":[5],\"id\":0}",
        Some("raw_json"),
        b"{\"id\":0,\"result\":5,",
    ),
    Row(b"\r{\"method\":\"Echo.Int\",\"params\":[5],\"id\":0}", Some("raw_json"), b"{\"id\":0,\"result\":5,"),
    Row(
        b"\n\r\n\n\n\n\n\t \r{\"method\":\"Echo.Int\",\"params\":[5],\"id\":0}",
        Some("raw_json"),
        b"{\"id\":0,\"result\":5,",
    ),
    Row(
        b"\x82\xa3Seq\x00\xadServiceMethod\xaeArith.Multiply\x82\xa1A\x07\xa1B\x08",
        Some("raw_msgpack"),
        b"\x83\xadServiceMethod\xaeArith.Multiply\xa3Seq\x00\xa5Error\xa0\x38",
    ),
    Row(b"\x92\xa8Echo.Int\x07\x05", Some("raw_msgpack"), b"\x83\xadServiceMethod\xa8Echo.Int\xa3Seq\x07"),
    // Lengths in other forms, members of others' in front.
    Row(
        b"\xde\0\x03\xd9\x05Trace\x01\xda\0\x0dServiceMethod\xa8Echo.Int\xc4\x03Seq\x07\x05",
        Some("raw_msgpack"),
        b"\x83\xadServiceMethod\xa8Echo.Int\xa3Seq\x07\xa5Error\xa0\x05",
    ),
    Row(
        b"\xdc\0\x02\xd9\x08Echo.Int\x07\x05",
        Some("raw_msgpack"),
        b"\x83\xadServiceMethod\xa8Echo.Int\xa3Seq\x07\xa5Error\xa0\x05",
    ),
    // The other MessagePack-RPC, whose messages are one list.
    Row(b"\x94\0\x01\xa8Echo.Int\x91\x05", NO_PROTOCOL, b""),
    // Redis's clients, people at a terminal, and a reply where a request belongs.
    Row(b"*1\r\n$4\r\nPING\r\n", REDIS, b"+PONG\r\n"),
    Row(b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", REDIS, b"%7\r\n$6\r\nserver\r\n"),
    Row(b"*0\r\n*-1\r\nPING\n", REDIS, b"+PONG\r\n"),
    Row(b"\r\n\r\nping\r\n", REDIS, b"+PONG\r\n"),
    Row(b"Arith.Multiply 7 8\r\n", REDIS, b":56\r\n"),
    Row(b"arith.multiply HTTP/1.1 8\r\n", REDIS, b"-ERR invalid argument: "),
    Row(b"+OK\r\n", REDIS, b"-ERR Protocol error: expected '*', got '+'\r\n"),
    // HTTP/0.9, and commands that there are not.
    Row(b"GET /\r\n", NO_PROTOCOL, b""),
    Row(b"GET key\r\n", NO_PROTOCOL, b""),
    Row(b"* / HTTP/1.1\r\n", NO_PROTOCOL, b""),
    // PROXY headers are configuration, never sniffed.
    Row(b"PROXY TCP4 127.0.0.1 127.0.0.1 36390 17011\r\n", NO_PROTOCOL, b""),
    Row(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", NO_PROTOCOL, b""),
    // TLS on a plain port.
    Row(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", NO_PROTOCOL, b""),
    Row(b"\x16\x03\0\0\x79\x01", NO_PROTOCOL, b""),
    // Other services' clients, and noise.
    Row(b"SSH-2.0-OpenSSH_9.2\r\n", NO_PROTOCOL, b""),
    Row(b"\x29\0\0\x01\0\x82\0\0\0\0\x80\0\x01\x21", NO_PROTOCOL, b""),
    Row(b"\0\0\0\x16\0\x03\0\0user\0haproxy\0\0", NO_PROTOCOL, b""),
    Row(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0", NO_PROTOCOL, b""),
    Row(b"\x80\x01\0\x01", NO_PROTOCOL, b""),
    Row(b"\xda\xbb\xc2\0", NO_PROTOCOL, b""),
    Row(b"\x01\x01\x01\x01\x01\x01\x01\x01", NO_PROTOCOL, b""),
];

fn server(builder: Builder) -> Server {
    builder.build().unwrap()
}

fn wanted(row: &Row) -> Verdict {
    row.1.map_or(Verdict::NoProtocol, Verdict::Protocol)
}

#[test]
fn each_opening_is_taken_for_its_protocol() {
    let server = server(services());
    for row in &TABLE {
        assert_eq!(server.sniff(row.0), wanted(row), "{}", row.0.escape_ascii());
    }
}

#[test]
fn no_byte_more_changes_a_verdict() {
    let server = server(services());
    for row in &TABLE {
        let verdicts: Vec<_> = (0..=row.0.len()).map(|len| server.sniff(&row.0[..len])).collect();
        let waits = verdicts.iter().take_while(|verdict| **verdict == Verdict::NeedMore).count();
        assert!(waits > 0, "nothing is known of a silent peer");
        assert!(
            waits < verdicts.len() && verdicts[waits..].iter().all(|verdict| *verdict == wanted(row)),
            "{}: {verdicts:?}",
            row.0.escape_ascii()
        );
    }
}

#[test]
fn each_opening_is_taken_by_one_protocol_only() {
    let server = server(services());
    for row in &TABLE {
        let head = row.0.trim_ascii_start();
        let is_theirs = |protocol: &&dyn Protocol| protocol.sniff(head) == Sniff::Yes;
        let takers: Vec<_> = server.protocols().filter(is_theirs).map(Protocol::name).collect();
        // What too many blank lines in front spoil is taken by no protocol, though it would be without them.
        if row.1.is_some() || head == row.0 {
            assert_eq!(takers, row.1.into_iter().collect::<Vec<_>>(), "{}", row.0.escape_ascii());
        }
    }
    // And those the protocols give as their own.
    for protocol in server.protocols() {
        for opening in protocol.prefaces() {
            assert_eq!(
                server.sniff(&opening),
                Verdict::Protocol(protocol.name()),
                "{}",
                opening.escape_ascii()
            );
        }
    }
}

#[tokio::test]
async fn connections_that_begin_so_are_answered_alike_in_any_pieces() {
    let server = start(services()).await;
    for Row(opening, taker, answer) in &TABLE {
        let before = matched(&server);
        let ways = each_split(opening);
        for pieces in &ways {
            let mut peer = Peer::in_memory(&server);
            peer.send_pieces(pieces).await;
            peer.half_close().await;
            let got = peer.read_to_end().await;
            let lens: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
            let is_right = got.starts_with(answer) && (got.is_empty() == answer.is_empty());
            assert!(is_right, "{} in {lens:?}: {}", opening.escape_ascii(), got.escape_ascii());
        }
        let mut after = matched(&server);
        for (name, count) in &before {
            let seen = after.iter_mut().find(|(known, _)| known == name).unwrap();
            seen.1 -= count;
        }
        after.retain(|(name, count)| *count > 0 && *name != "go_rpc");
        let wanted: Vec<_> = taker.iter().map(|name| (*name, ways.len() as u64)).collect();
        assert_eq!(after, wanted, "{}", opening.escape_ascii());
    }
}

/// How many connections each protocol has had.
fn matched(server: &Server) -> Vec<(&'static str, u64)> {
    server.snapshot().protocols.iter().map(|one| (one.name, one.matched)).collect()
}

#[test]
fn a_weak_protocol_waits_and_delays_no_other() {
    let server = server(services().protocol(nshead()));
    assert_eq!(server.sniff(&[1; 8]), Verdict::NeedMore);
    assert_eq!(server.sniff(&[1; 28]), Verdict::NoProtocol);
    let header = [&[1; 24][..], b"\x94\x93\x70\xfb", &[0; 8]].concat();
    for len in 0..header.len() {
        let wanted = if len < 28 { Verdict::NeedMore } else { Verdict::Protocol("nshead") };
        assert_eq!(server.sniff(&header[..len]), wanted, "{len} bytes");
    }
    // The rest of the table is as it was, but that what is too short to be nshead is waited for.
    for row in &TABLE {
        let verdict = match row.1 {
            None if nshead().sniff(row.0) == Sniff::NeedMore && !row.0.starts_with(b"\n") => {
                Verdict::NeedMore
            }
            _ => wanted(row),
        };
        assert_eq!(server.sniff(row.0), verdict, "{}", row.0.escape_ascii());
    }
}
