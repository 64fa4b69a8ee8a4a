//! What kills Go's own server, spins it or makes it fat: each case against a server of its own, which has to be there
//! afterwards, lean and at rest.

use super::{
    Good, MIB, alone,
    gob::{self, BYTES, INT, STRING, map, slice, structure, uint},
};
use crate::program::Program;
use futures_util::{StreamExt, stream};
use rpcwrap_tests::{
    LIMIT,
    raw::{CONNECTED, Peer, json_request, opening},
    within,
};
use std::time::Duration;

/// What a server may hold beyond what it held at its start: the longest message, which is complete only with its last
/// byte, and some. Nothing but a message that long comes near it.
const MOST: u64 = 72 * MIB;
/// Servers at the same time.
const AT_ONCE: usize = 4;

/// What is to become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Closed; a reply may come before.
    Closed,
    /// It stays, and its call is answered with these words.
    Goes(&'static str),
    /// It stays, and nothing comes: the rest of a message is waited for.
    Waits,
}
use Ends::{Closed, Goes, Waits};

/// A case: a name, the codec, the bytes behind the handshake, the outcome.
type Case = (&'static str, &'static str, Vec<u8>, Ends);

/// `levels` of a type that holds itself.
fn deep(level: &[u8], levels: usize) -> Vec<u8> {
    [level.repeat(levels), vec![0; levels]].concat()
}

fn cases() -> Vec<Case> {
    let recursive = || structure("Rec", &[("A", INT), ("Next", 65)]);
    let ignoring = || structure("Args", &[("A", INT), ("Extra", 66)]);
    let inner = || structure("Rec", &[("A", INT), ("Next", 66)]);
    let chain: Vec<_> = (66..20_066).map(slice).chain([slice(INT)]).collect();
    let hint = |count| gob::call("Echo.Any", &[map(STRING, INT)], &[b"\0", &uint(count)[..]].concat());
    let empties = |method: &str| {
        let types = [map(66, 66), structure("", &[])];
        gob::call(method, &types, &[b"\0", &uint(1 << 60)[..]].concat())
    };
    let prefix = |bytes: &[u8], data: usize| [&gob::header("Echo.Any")[..], bytes, &vec![0; data]].concat();
    let definitions = (0..200_000_u64).flat_map(|n| {
        let id = uint((65 + n) << 1 | 1);
        let content = [&id[..], &slice(INT)].concat();
        [uint(content.len() as u64), content].concat()
    });
    let megabyte = "x".repeat(1 << 20);
    vec![
        ("one good call", "gob", gob::call_with("Echo.Any", STRING, &gob::text("hi")), Goes("hi")),
        ("a length of 2^63", "gob", prefix(b"\xf8\x80\0\0\0\0\0\0\0", 0), Closed),
        ("a length of 8 GiB and 8 MiB of it", "gob", prefix(b"\xfb\x01\xff\xff\xff\xff", 8 << 20), Closed),
        ("a length of 60 MiB and none of it", "gob", prefix(b"\xfc\x03\xc0\0\0", 0), Waits),
        ("a method's name of 1 MiB", "gob", gob::header(&megabyte), Closed),
        ("a method's name of 63 MiB", "gob", gob::header(&megabyte.repeat(63)), Closed),
        ("a map of 2^26 in 20 bytes", "gob", hint(1 << 26), Goes("length exceeds input size")),
        ("a map of 2^28 in 20 bytes", "gob", hint(1 << 28), Goes("length exceeds input size")),
        ("a map of 2^40 in 20 bytes", "gob", hint(1 << 40), Goes("length exceeds input size")),
        ("2^60 empty structs for an unknown method", "gob", empties("No.Such"), Goes("can't find service")),
        ("2^60 empty structs", "gob", empties("Echo.Any"), Goes("length exceeds input size")),
        (
            "a struct in itself, 5 million deep, for an unknown method",
            "gob",
            gob::call("No.Such", &[recursive()], &deep(b"\x02", 5_000_000)),
            Goes("can't find service"),
        ),
        (
            "a struct in itself, 5 million deep",
            "gob",
            gob::call("Echo.Any", &[recursive()], &deep(b"\x02", 5_000_000)),
            Goes("nesting deeper than 100"),
        ),
        (
            "a struct in itself, ignored",
            "gob",
            gob::call(
                "Arith.Multiply",
                &[ignoring(), inner()],
                &[b"\x02", &deep(b"\x02", 5_000_000)[..]].concat(),
            ),
            Goes("nesting deeper than 100"),
        ),
        (
            "a slice of itself, 5 million deep",
            "gob",
            gob::call("No.Such", &[slice(65)], &[b"\0", &b"\x01".repeat(5_000_000)[..]].concat()),
            Goes("can't find service"),
        ),
        ("20,000 types, each of the next", "gob", gob::call("Echo.Any", &chain, b"\0\0"), Closed),
        ("200,000 types", "gob", gob::header("Echo.Any").into_iter().chain(definitions).collect(), Closed),
        (
            "32 MiB of bytes as a string",
            "gob",
            gob::call_with("Arith.Multiply", BYTES, &[&uint(32 << 20)[..], &vec![0; 32 << 20]].concat()),
            Goes("gob: "),
        ),
        ("2 MiB of garbage", "gob", vec![0xFF; 2 << 20], Closed),
        (
            "HTTP where gob was agreed",
            "gob",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(1000),
            Closed,
        ),
        (
            "a string that does not end",
            "json",
            [b"{\"method\":\"Echo.Say\",\"params\":[\"", &vec![b'x'; 200 << 20][..]].concat(),
            Closed,
        ),
        (
            "a million levels",
            "json",
            json_request("Echo.Any", &("[".repeat(1_000_000) + &"]".repeat(1_000_000)), 1).into(),
            Closed,
        ),
        (
            "100,000 calls that sleep",
            "json",
            json_request("Sleep.For", "30000", 1).repeat(100_000).into(),
            Waits,
        ),
    ]
}

async fn survives((name, codec, bytes, ends): Case) {
    let program = Program::daemon(&[]).await;
    let good = Good::now_and_then(program.addr);
    let start = program.resident_bytes();
    let mut peer = Peer::connect_resetting(program.addr).await;
    peer.send(opening(&format!("/_{codec}_rpc_"))).await;
    peer.expect(CONNECTED).await;
    let mut said = Vec::new();
    match ends {
        Closed => {
            // It may be closed in the middle.
            let _ = peer.try_send(&bytes).await;
            said = peer.read_to_end().await;
        }
        Goes(words) => {
            peer.send(&bytes).await;
            said = peer.read_until(words).await;
        }
        Waits => {
            // No event tells that nothing more is taken.
            let sent = tokio::time::timeout(Duration::from_secs(5), peer.try_send(&bytes)).await;
            assert!(!matches!(sent, Ok(Err(_))), "{name}: closed");
        }
    }
    assert!(said.len() < 1 << 10, "{name}: {} bytes said", said.len());
    let grown = program.peak_bytes().saturating_sub(start);
    good.stop().await;
    drop(peer);
    rests(name, &program).await;
    println!("{name}: {} KiB more memory, {:?} of processor time", grown >> 10, program.cpu());
    assert!(grown <= MOST, "{name}: {} KiB more memory", grown >> 10);
    alone(&program).await;
    program.interrupt().await;
}

/// Waits for a stretch of time in which it does nothing.
async fn rests(name: &str, program: &Program) {
    const STRETCH: Duration = Duration::from_millis(200);
    let at_rest = async {
        loop {
            let before = program.cpu();
            tokio::time::sleep(STRETCH).await;
            // The clock ticks every 10 ms.
            if program.cpu() - before <= Duration::from_millis(10) {
                break;
            }
        }
    };
    let rested = tokio::time::timeout(LIMIT, at_rest).await;
    assert!(rested.is_ok(), "{name}: goes on computing for a peer that has gone");
}

#[tokio::test]
async fn requests_that_kill_gos_server_cost_nothing() {
    let cases = stream::iter(cases()).for_each_concurrent(AT_ONCE, survives);
    within(Duration::from_secs(120), cases).await;
}
