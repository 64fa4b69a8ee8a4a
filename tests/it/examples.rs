//! Each example: started on a free port, used, told to stop, gone with status 0.

use crate::program::{Program, output};
use rpcwrap::codecs::cram_md5;
use rpcwrap_tests::{
    limit,
    raw::{Peer, bson_request, document, json_request},
};

const ANY: &str = "127.0.0.1:0";

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What a POST is answered: status and body.
async fn ask(program: &Program, path: &str, body: &str) -> (u16, String) {
    let mut peer = Peer::connect(program.addr).await;
    let response = peer.http(post(path, body)).await;
    (response.status, response.body)
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

/// All at the same time: each spends most of its own on telling load balancers that it is about to stop.
#[tokio::test]
async fn server_examples_answer_as_they_say() {
    tokio::join!(
        hello(),
        streaming(),
        auth(),
        tls(),
        graceful_shutdown(),
        middleware(),
        own_codec(),
        custom_protocol(),
        service_macro(),
        axum_pages(),
        grpc(),
        conformance(),
    );
}

async fn hello() {
    let program = Program::example("hello", &[ANY]).await;
    assert_eq!(ask(&program, "/Echo/Say", "\"hi\"").await, ok("\"hi\"\n"));
    let mut peer = Peer::connect_codec(program.addr, "bson").await;
    peer.send(bson_request("Echo.Say", 1, &document(b"\x05_Val_\0\x02\0\0\0\0hi"))).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"\x05_Val_\0\x02\0\0\0\0hi")).await;
    drop(peer);
    program.terminate().await;
}

async fn streaming() {
    let program = Program::example("streaming", &[ANY]).await;
    let squares = ask(&program, "/Numbers/Squares", r#"{"From":1,"To":4}"#).await;
    assert_eq!(squares, ok("1\n4\n9\n"));
    let mut follower = Peer::connect_resetting(program.addr).await.handshake("/_json_rpc_").await;
    follower.send(r#"{"method":"News.Follow","params":[null],"id":1}"#).await;
    // Published until the follower is there to read it.
    while ask(&program, "/News/Publish", "\"hello\"").await == ok("0\n") {}
    assert_eq!(follower.read_json().await["result"], "hello");
    drop(follower);
    program.terminate().await;
}

async fn auth() {
    let program = Program::example("auth", &[ANY]).await;
    assert_eq!(ask(&program, "/Public/WhoAmI", "null").await, ok("\"anonymous\"\n"));
    assert_eq!(ask(&program, "/Private/WhoAmI", "null").await.0, 401);
    let mut peer = Peer::connect(program.addr).await.handshake("/_json_rpc_/auth").await;
    let reply = peer.call("AuthenticatorCRAMMD5.GetNewChallenge", "\"\"", 1).await;
    let proof = cram_md5::proof("ala", "ma kota", reply["result"]["Challenge"].as_str().unwrap());
    peer.call("AuthenticatorCRAMMD5.Authenticate", &format!("{{\"Proof\":\"{proof}\"}}"), 2).await;
    assert_eq!(peer.call("Private.WhoAmI", "null", 3).await["result"], "ala");
    assert_eq!(peer.call("Admin.WhoAmI", "null", 4).await["error"], "rpc: ala may not call Admin.WhoAmI");
    drop(peer);
    program.terminate().await;
}

async fn tls() {
    let mut program = Program::example("tls", &[ANY]).await;
    for curl in ["http", "https"] {
        assert!(program.line().await.contains(&format!(" {curl}://")));
    }
    assert_eq!(program.line().await, "with a certificate: ala over TLSv1.3");
    assert_eq!(program.line().await, "without: rpc: Ledger.WhoAmI needs an authenticated connection");
    assert_eq!(ask(&program, "/Ledger/WhoAmI", "null").await.0, 401);
    program.terminate().await;
}

async fn graceful_shutdown() {
    // By a call: the one under way is answered before the program ends.
    let program = Program::example("graceful_shutdown", &[ANY]).await;
    let mut slow = Peer::connect_codec(program.addr, "json").await;
    slow.send(r#"{"method":"Work.Sleep","params":[1500],"id":1}"#).await;
    assert_eq!(ask(&program, "/Server/Stop", "null").await, ok("\"draining\"\n"));
    assert!(slow.read_json().await["result"].as_str().unwrap().ends_with("waited 1500 ms"));
    drop(slow);
    let (status, _) = program.end().await;
    assert_eq!(status.code(), Some(0));
    // And by the signal.
    let program = Program::example("graceful_shutdown", &[ANY]).await;
    let mut slow = Peer::connect_codec(program.addr, "json").await;
    slow.send(r#"{"method":"Work.Sleep","params":[1500],"id":1}"#).await;
    // In order: once this is answered, the other has been read.
    slow.send(r#"{"method":"Nope.Nope","params":[],"id":2}"#).await;
    assert_eq!(slow.read_json().await["id"], 2);
    program.signal("TERM").await;
    assert_eq!(slow.read_json().await["id"], 1);
    drop(slow);
    assert_eq!(program.end().await.0.code(), Some(0));
}

async fn middleware() {
    let mut program = Program::example("middleware", &[ANY]).await;
    assert_eq!(ask(&program, "/Work/Double", "7").await, ok("14\n"));
    assert!(program.line().await.starts_with("Work.Double by http: ok after "));
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    peer.send([1, 2, 3].map(|id| json_request("Work.Sleep", "60000", id)).concat()).await;
    let refused = peer.read_json().await;
    assert_eq!((&refused["id"], &refused["error"]), (&3.into(), &"rpc: server overloaded".into()));
    for _ in 0..2 {
        let late = peer.read_json().await["error"].as_str().unwrap().to_owned();
        assert!(late.starts_with("rpc: deadline exceeded after "), "{late}");
    }
    for _ in 0..4 {
        assert_eq!(ask(&program, "/Trial/Double", "7").await, ok("14\n"));
    }
    let (status, body) = ask(&program, "/Trial/Double", "7").await;
    assert!(status == 500 && body.contains(r#""code":"quota""#), "{body}");
    drop(peer);
    program.terminate().await;
}

async fn own_codec() {
    let program = Program::example("own_codec", &[ANY]).await;
    let mut peer = Peer::connect_codec(program.addr, "line").await;
    peer.send("Echo.Say 7 \"hi\"\nEcho.Nope 8 1\n").await;
    peer.expect("ok 7 \"hi\"\nerror 8 \"rpc: can't find method Echo.Nope\"\n").await;
    drop(peer);
    program.terminate().await;
}

async fn custom_protocol() {
    let mut program = Program::example("custom_protocol", &[ANY]).await;
    assert_eq!(program.line().await, "Echo.Say: hi");
    assert!(program.line().await.contains("rpc: can't find method Echo.Nope"));
    // From outside, byte by byte: header, then body; the port's other protocols are there as well.
    let message = |number: u8, body: &[u8]| {
        let mut bytes =
            [&[0; 24][..], b"\x94\x93\x70\xfb", &[0; 4], &(body.len() as u32).to_le_bytes(), body].concat();
        bytes[4] = number;
        bytes
    };
    let mut peer = Peer::connect(program.addr).await;
    peer.send_pieces(&message(7, b"Echo.Say \"hi\"").chunks(1).collect::<Vec<_>>()).await;
    peer.expect(message(7, b"\"hi\"")).await;
    assert_eq!(ask(&program, "/Echo/Say", "\"hi\"").await, ok("\"hi\"\n"));
    drop(peer);
    program.terminate().await;
}

async fn service_macro() {
    let program = Program::example("service_macro", &[ANY]).await;
    assert_eq!(ask(&program, "/Books/Add", r#"{"Id":1,"Title":"Solaris"}"#).await, ok("1\n"));
    assert_eq!(ask(&program, "/Books/Add", r#"{"Id":2,"Title":"Eden"}"#).await, ok("2\n"));
    assert_eq!(ask(&program, "/Books/CountLetters", "null").await, ok("11\n"));
    assert_eq!(ask(&program, "/Books/Get", "3").await.0, 404);
    let (_, all) = ask(&program, "/Books/All", "null").await;
    assert_eq!((all.lines().count(), all.contains("Solaris")), (2, true), "{all}");
    program.terminate().await;
}

async fn grpc() {
    let program = Program::example("grpc", &[ANY]).await;
    assert_eq!(ask(&program, "/Echo/Say", "\"hi\"").await, ok("\"hi\"\n"));
    let mut peer = Peer::connect(program.addr).await;
    let unknown = "POST /grpc.health.v1.Health/Nope HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/grpc\r\n\
        Content-Length: 0\r\n\r\n";
    let response = peer.http(unknown).await;
    // gRPC says in a header of its own that there is no such method.
    assert_eq!((response.status, response.header("grpc-status")), (200, Some("12")));
    program.terminate().await;
}

async fn axum_pages() {
    let program = Program::example("axum_pages", &[ANY]).await;
    assert_eq!(ask(&program, "/Scores/Add", r#"{"Player":"ala","Points":3}"#).await, ok("3\n"));
    let get = async |path: &str| {
        let mut peer = Peer::connect(program.addr).await;
        let response = peer.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        (response.status, response.body)
    };
    assert_eq!(get("/scores").await, ok("player points\nala 3\n"));
    assert_eq!((get("/scores/ala").await, get("/scores/ola").await.0), (ok("3\n"), 404));
    assert_eq!(get("/debug/health").await, ok("ok"));
    program.terminate().await;
}

async fn conformance() {
    let users = crate::tidy::root().join("examples/conformance/users.json");
    let args = ["--listen", ANY, "--http-rpc-listen", ANY, "--auth-credentials", users.to_str().unwrap()];
    let mut program = Program::example("conformance", &args).await;
    assert!(program.line().await.starts_with("http-rpc on 127.0.0.1:"));
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    assert_eq!(peer.call("Arith.Multiply", r#"{"A":6,"B":7}"#, 1).await["result"], 42);
    drop(peer);
    program.terminate().await;
}

#[tokio::test]
async fn a_client_that_never_closes_does_not_hold_a_program() {
    let program = Program::example("conformance", &["--listen", ANY]).await;
    let mut stubborn = Peer::connect_codec(program.addr, "json").await;
    stubborn.call("Arith.Multiply", "{}", 1).await;
    let silent = Peer::connect(program.addr).await;
    // Less than its lame duck and its drain may take together.
    limit(program.terminate()).await;
    drop((stubborn, silent));
}

/// What each client prints, of a server of its own and, where the services are rpcwrapd's, of that.
#[tokio::test]
async fn client_examples_print_what_they_say() {
    let daemon = Program::daemon(&[]).await;
    let addr = daemon.addr.to_string();
    let calls = "7 * 8 = 56\n7 / 2 = Quotient { quo: 3, rem: 1 }\n7 / 0: the server says \"divide by zero\"\n\
        after close: connection is shut down; may have executed: false\n";
    let many = "1000 replies, 4500 ms slept on the server\nnever more than 200 in flight: true\n\
        faster than one after another: true\n";
    let streams = "1\n2\n3\nend\nbeside one without an end: Some(1)\nSome(1) Some(2)\n\
        some items (true), then: no reply within 50 ms\n";
    for (name, printed) in [("client", calls), ("concurrent_calls", many), ("streaming_client", streams)] {
        assert_eq!(output(name, &[]).await, printed, "{name}");
        assert_eq!(output(name, &[&addr]).await, printed, "{name} of rpcwrapd");
    }
    let echoes = "message: hello\ndemo.EchoService.Mirror got 1000 bytes, log_id 42\nbytes: 1000, attachment: beside\n\
        json: 42\nerror 7777: [E7777]told to fail: boom\n";
    assert_eq!(output("baidu_std", &[]).await, echoes);
    let stopped = "slept 1 ms\nno reply within 50 ms; may have executed: true\nits handler was stopped\n\
        taken back: true; still in flight: 0\nits handler was stopped\nthe first to answer slept 2 ms\n";
    assert_eq!(output("deadlines", &[]).await, stopped);
    assert_eq!(output("deadlines", &[&addr]).await, stopped.replace("its handler was stopped\n", ""));
    let logins = "json: the server takes us for ala\nbson: the server takes us for ala\n\
        wrong password: authentication error: authentication failed\n\
        without a login: rpc: Private.Who needs an authenticated connection\n";
    assert_eq!(output("auth_client", &[]).await, logins);
    daemon.terminate().await;
}
