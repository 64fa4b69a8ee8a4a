//! Redis's protocol: calls and the server's own commands, in any pieces and in order.

mod admin;
mod edges;
mod login;
mod programs;

use rpcwrap::{Config, Error, Server};
use rpcwrap_tests::{
    limit,
    raw::{Peer, each_split},
    server::{start, tcp},
    services::{Gate, services},
    until,
};

/// A request as clients send it: its words, which have blanks between them here.
pub(crate) fn request(words: &str) -> Vec<u8> {
    let words: Vec<_> = words.split(' ').collect();
    let bulks = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), bulks.collect::<String>()).into_bytes()
}

/// Lines in both versions: what is asked, what comes back.
const DIALOG: &[(&str, &str)] = &[
    ("PING", "+PONG\r\n"),
    ("pInG hallo", "$5\r\nhallo\r\n"),
    ("ECHO hi", "$2\r\nhi\r\n"),
    ("SELECT 0", "+OK\r\n"),
    ("SELECT 1", "-ERR DB index is out of range\r\n"),
    ("SELECT x", "-ERR value is not an integer or out of range\r\n"),
    // Calls in all their forms.
    ("CALL Arith.Multiply {\"A\":7,\"B\":8}", ":56\r\n"),
    ("Arith.Multiply {\"A\":7,\"B\":8}", ":56\r\n"),
    ("Arith.Multiply 7 8", ":56\r\n"),
    ("Arith.Multiply B 8 A 7", ":56\r\n"),
    ("arith.MULTIPLY a 7 b 8", ":56\r\n"),
    ("call arith.multiply {\"A\":7}", ":0\r\n"),
    ("Echo.String A=7", "$3\r\nA=7\r\n"),
    ("Echo.String {\"x\":1}", "$7\r\n{\"x\":1}\r\n"),
    ("Echo.Bytes raw", "$3\r\nraw\r\n"),
    ("Echo.Ints [1,2]", "*2\r\n:1\r\n:2\r\n"),
    ("Echo.Uint 18446744073709551615", "$20\r\n18446744073709551615\r\n"),
    ("Arith.Divide 7 2", "*4\r\n$3\r\nQuo\r\n:3\r\n$3\r\nRem\r\n:1\r\n"),
    ("Echo.Float64 1.5", "$3\r\n1.5\r\n"),
    ("Echo.Bool true", ":1\r\n"),
    // A stream is one array.
    (
        "Stream.Count 2",
        "*2\r\n*4\r\n$1\r\nC\r\n:2\r\n$5\r\nIndex\r\n:0\r\n*4\r\n$1\r\nC\r\n:2\r\n$5\r\nIndex\r\n:1\r\n",
    ),
    ("Stream.Count 0", "*0\r\n"),
    ("Stream.Count N 5 ErrorAt 2", "-ERR triggered error in middle\r\n"),
    // What is wrong, and with what.
    ("Arith.Multiply 7 x", "-ERR invalid argument: field B: wants int64, got \"x\"\r\n"),
    (
        "Arith.Multiply 7 8 9",
        "-ERR wrong number of arguments for 'arith.multiply' command: 3 arguments given, 2 wanted: A, B\r\n",
    ),
    ("CALL", "-ERR wrong number of arguments for 'call' command\r\n"),
    ("CALL a b c", "-ERR wrong number of arguments for 'call' command\r\n"),
    ("Arith.Divide 1 0", "-ERR divide by zero\r\n"),
    ("Arith.EOSError", "-ERR EOS\r\n"),
    ("Code.Fail", "-WRONGTYPE no list\r\n"),
    ("Nope.X 1 2", "-ERR unknown command 'Nope.X', with args beginning with: '1' '2' \r\n"),
    ("CALL Nope.X 1", "-ERR unknown command 'Nope.X', with args beginning with: '1' \r\n"),
    ("GET key", "-ERR unknown command 'GET', with args beginning with: 'key' \r\n"),
    ("CLIENT NOPE", "-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n"),
    ("CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"),
    ("CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command\r\n"),
    // The connection itself.
    ("CLIENT GETNAME", "$-1\r\n"),
    ("CLIENT SETNAME me", "+OK\r\n"),
    ("client getname", "$2\r\nme\r\n"),
    ("CLIENT SETINFO LIB-NAME redis-py", "+OK\r\n"),
    ("CLIENT SETINFO LIB-SIZE 3", "-ERR Unrecognized option 'LIB-SIZE'\r\n"),
    ("CLIENT NO-EVICT ON", "+OK\r\n"),
    ("CLIENT REPLY SKIP", ""),
    ("Arith.Multiply 1 1", ""),
    ("CLIENT REPLY OFF", ""),
    ("PING", ""),
    ("Stream.Count 2", ""),
    ("Nope.X", ""),
    ("CLIENT REPLY ON", "+OK\r\n"),
    // From here on RESP3, and back.
    ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
    ("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"),
    ("HELLO 3 NOPE", "-ERR Syntax error in HELLO option 'NOPE'\r\n"),
    (
        "HELLO 3 SETNAME you",
        "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n\
         $4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
    ),
    ("CLIENT GETNAME", "$3\r\nyou\r\n"),
    ("Arith.Divide 7 2", "%2\r\n$3\r\nQuo\r\n:3\r\n$3\r\nRem\r\n:1\r\n"),
    ("Stream.Count 1", "*1\r\n%2\r\n$1\r\nC\r\n:1\r\n$5\r\nIndex\r\n:0\r\n"),
    ("Echo.Float64 1.5", ",1.5\r\n"),
    ("Echo.Bool true", "#t\r\n"),
    ("RESET", "+RESET\r\n"),
    ("Echo.Bool true", ":1\r\n"),
    ("CLIENT GETNAME", "$-1\r\n"),
    ("QUIT", "+OK\r\n"),
];

fn with_codes() -> rpcwrap::Builder {
    services().method("Code.Fail", |(): ()| async { Err::<i64, _>(Error::new("no list").code("WRONGTYPE")) })
}

/// A part of the dialog on a connection for each way of cutting it.
#[tokio::test]
async fn requests_in_any_pieces() {
    let some = || DIALOG[..36].iter().step_by(3).chain(DIALOG.last());
    let sent: Vec<u8> = some().flat_map(|(words, _)| request(words)).collect();
    let wanted: String = some().map(|(_, reply)| *reply).collect();
    let server = start(with_codes()).await;
    for pieces in each_split(&sent) {
        let mut peer = Peer::in_memory(&server);
        peer.send_pieces(&pieces).await;
        let got = String::from_utf8(peer.read_to_end().await).unwrap();
        assert_eq!(got, wanted, "{} pieces", pieces.len());
    }
}

#[tokio::test]
async fn each_request_and_its_reply() {
    let server = start(with_codes()).await;
    let mut peer = Peer::connect(server.addr).await;
    for (words, reply) in DIALOG {
        peer.send(request(words)).await;
        peer.expect(reply).await;
    }
    peer.expect_closed().await;
}

#[tokio::test]
async fn lines_as_people_type_them() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    for (line, reply) in [
        ("PING\n", "+PONG\r\n"),
        ("\r\n\r\nECHO \"a b\\x21\"\r\n", "$4\r\na b!\r\n"),
        ("Arith.Multiply 7 '8'\r\n", ":56\r\n"),
        ("CALL Arith.Multiply '{\"A\":7,\"B\":8}'\r\n", ":56\r\n"),
    ] {
        peer.send(line).await;
        peer.expect(reply).await;
    }
    // What a browser was made to send is not answered, nor anything behind it.
    peer.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n").await;
    peer.expect_closed().await;
}

#[tokio::test]
async fn replies_are_in_the_order_of_the_requests() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect(server.addr).await;
    let asked = ["Gate.Wait 1", "Stream.Count 1", "PING", "Nope.X", "HELLO 3", "Echo.Bool true"];
    peer.send(asked.map(request).concat()).await;
    peer.half_close().await;
    until(|| gate.entered() == 1 && server.connections(1)[0].in_flight == 6).await;
    gate.open(1);
    // Those before HELLO are in the version that was spoken then.
    peer.expect(":1\r\n*1\r\n*4\r\n$1\r\nC\r\n:1\r\n$5\r\nIndex\r\n:0\r\n+PONG\r\n").await;
    peer.expect("-ERR unknown command 'Nope.X', with args beginning with: \r\n%7\r\n").await;
    assert!(peer.read_to_end().await.ends_with(b"*0\r\n#t\r\n"));
}

#[tokio::test]
async fn a_pipeline_of_ten_thousand() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    let calls: Vec<u8> = (0..10_000).flat_map(|n| request(&format!("Arith.Multiply {n} 2"))).collect();
    let replies: String = (0..10_000).map(|n| format!(":{}\r\n", 2 * n)).collect();
    peer.send(&calls).await;
    peer.expect(replies).await;
    assert_eq!(
        server.snapshot().methods.iter().find(|one| one.method == "Multiply").unwrap().stats.calls,
        10_000
    );
}

#[tokio::test]
async fn a_listener_of_its_own_and_a_server_that_is_full() {
    let server = start(services().config(Config::default().max_connections(2))).await;
    let own = tcp(limit(server.listen_only("127.0.0.1:0", &["redis"])).await.unwrap());
    let mut first = Peer::connect(own).await;
    first.send("PING\r\n").await;
    first.expect("+PONG\r\n").await;
    // It says itself what is wrong with bytes of others.
    let mut other = Peer::connect(own).await;
    other.send("GET / HTTP/1.1\r\n").await;
    other.expect("-ERR unknown command 'GET', with args beginning with: '/' 'HTTP/1.1' \r\n").await;
    let mut third = Peer::connect(own).await;
    third.send(request("PING")).await;
    third.expect("-ERR max number of clients reached\r\n").await;
    third.expect_closed().await;
}

#[tokio::test]
async fn methods_whose_names_differ_in_case_alone_have_to_be_named_exactly() {
    let one = |n: i64| move |(): ()| async move { Ok(n) };
    let server =
        start(Server::builder().method("A.Go", one(1)).method("A.GO", one(2)).method("B.Go", one(3))).await;
    let mut peer = Peer::connect(server.addr).await;
    for (name, reply) in
        [("A.Go", ":1\r\n"), ("A.GO", ":2\r\n"), ("b.go", ":3\r\n"), ("a.go", "-ERR unknown command ")]
    {
        peer.send(request(name)).await;
        peer.expect(reply).await;
    }
}
