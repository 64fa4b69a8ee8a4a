//! Structured errors: a code and data beside the text, for those who ask, and not one byte more for those who do not.

use bson::{bson, doc};
use rpcwrap_tests::{
    raw::{Peer, document},
    server::start,
    services::services,
};

const DIVIDE: &str = r#""method":"Arith.Divide","params":[{"A":1,"B":0}],"id":1"#;

#[tokio::test]
async fn error_details_are_sent_only_if_asked_for() {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    for (members, reply) in [
        ("", r#"{"id":1,"result":null,"error":"divide by zero"}"#),
        (r#","details":false"#, r#"{"id":1,"result":null,"error":"divide by zero"}"#),
        (r#","details":1"#, r#"{"id":1,"result":null,"error":"divide by zero"}"#),
        (
            r#","details":true"#,
            r#"{"id":1,"result":null,"error":"divide by zero","code":"math","data":{"b":0}}"#,
        ),
    ] {
        peer.send(format!("{{{DIVIDE}{members}}}")).await;
        assert_eq!(peer.read_line().await, reply, "{members}");
    }
    // A success has none.
    peer.send(r#"{"method":"Echo.Int","params":[5],"id":1,"details":true}"#).await;
    peer.expect("{\"id\":1,\"result\":5,\"error\":null}\n").await;
}

#[tokio::test]
async fn every_failure_has_its_error_code() {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    for (method, args, text, code) in [
        ("Nope", "1", "rpc: service/method request ill-formed: Nope", "ill_formed"),
        ("Nope.Nope", "1", "rpc: can't find service Nope.Nope", "unknown_service"),
        ("Arith.Nope", "1", "rpc: can't find method Arith.Nope", "unknown_method"),
        ("Arith.EOSError", "{}", "EOS", "failed"),
    ] {
        peer.send(format!(r#"{{"method":"{method}","params":[{args}],"id":1,"details":true}}"#)).await;
        let reply = format!(r#"{{"id":1,"result":null,"error":"{text}","code":"{code}"}}"#);
        assert_eq!(peer.read_line().await, reply);
    }
    peer.send(r#"{"method":"Arith.Multiply","params":[5],"id":1,"details":true}"#).await;
    assert_eq!(peer.read_json().await["code"], "bad_arguments");
}

#[tokio::test]
async fn error_details_in_both_dialects_of_bson() {
    let server = start(services()).await;
    let args = doc! {"A": 1, "B": 0}.to_vec().unwrap();
    // A stock library, asking and not asking.
    let mut peer = Peer::in_memory_codec(&server, "bson").await;
    let mut asks = doc! {"ServiceMethod": "Arith.Divide", "Seq": 1_i64, "Details": true}.to_vec().unwrap();
    asks.extend(&args);
    let mut plain = doc! {"ServiceMethod": "Arith.Divide", "Seq": 2_i64}.to_vec().unwrap();
    plain.extend(&args);
    peer.send([asks, plain].concat()).await;
    let (mut header, body) = peer.read_bson().await;
    assert_eq!(header.remove("Code"), Some(bson!("math")));
    let data = header.remove("Data").unwrap();
    assert_eq!(data.as_document().unwrap().get("b").and_then(bson::Bson::as_i64), Some(0));
    assert_eq!(header, doc! {"ServiceMethod": "Arith.Divide", "Seq": 1_i64, "Error": "divide by zero"});
    assert_eq!(body, doc! {});
    let header = doc! {"ServiceMethod": "Arith.Divide", "Seq": 2_i64, "Error": "divide by zero"};
    assert_eq!(peer.read_bson().await, (header, doc! {}));
    // vitess' kinds: {…, Error: 05, Code: 05, Data: {b: 3F}}.
    let mut peer = Peer::in_memory_codec(&server, "bson").await;
    let name = b"\x05ServiceMethod\0\x0c\0\0\0\0Arith.Divide\x3fSeq\0\x03\0\0\0\0\0\0\0";
    peer.send([document(&[&name[..], b"\x08Details\0\x01"].concat()), args].concat()).await;
    let mut reply = name.to_vec();
    reply.extend(b"\x05Error\0\x0e\0\0\0\0divide by zero\x05Code\0\x04\0\0\0\0math\x03Data\0");
    reply.extend(document(b"\x3fb\0\0\0\0\0\0\0\0\0"));
    peer.expect([document(&reply), document(b"")].concat()).await;
}
