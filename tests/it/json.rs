//! JSON: recorded exchanges, and what this server answers where the originals hang or answer worse.

use crate::replay::replay;
use rpcwrap_tests::{raw::Peer, server::start, services::services, until};

#[tokio::test]
async fn recorded_exchanges_get_the_recorded_bytes() {
    replay("json", include_str!("data/json.json"), |text| text.as_bytes().to_vec()).await;
}

/// Sends `request`, expects `reply` and nothing else, and that the connection still works.
async fn answers(request: &str, reply: &str) {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    peer.send(request).await;
    assert_eq!(peer.read_line().await, reply, "{request}");
    peer.send(r#"{"method":"Echo.Int","params":[5],"id":"next"}"#).await;
    peer.expect("{\"id\":\"next\",\"result\":5,\"error\":null}\n").await;
}

#[tokio::test]
async fn requests_without_params_are_answered() {
    let reply = r#"{"id":1,"result":null,"error":"jsonrpc: request body missing params"}"#;
    for request in [
        r#"{"method":"Arith.Multiply","id":1}"#,
        r#"{"method":"Arith.Multiply","params":null,"id":1}"#,
        r#"{"id":1,"params":null,"method":"Arith.Multiply"}"#,
    ] {
        answers(request, reply).await;
    }
}

#[tokio::test]
async fn empty_params_are_the_zero_argument() {
    for params in ["[]", "[null]", "[{}]"] {
        answers(
            &format!(r#"{{"method":"Arith.Multiply","params":{params},"id":1}}"#),
            r#"{"id":1,"result":0,"error":null}"#,
        )
        .await;
    }
}

#[tokio::test]
async fn a_unit_reply_is_an_empty_value_and_never_null() {
    // Go's client takes `"result":null,"error":null` for a broken server.
    answers(r#"{"method":"Echo.Empty","params":[{}],"id":1}"#, r#"{"id":1,"result":{},"error":null}"#).await;
}

#[tokio::test]
async fn arguments_of_another_type_fail_that_call_only() {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    for args in [r#"{"A":"7"}"#, r#"{"A":1.5}"#, "[1]", "\"x\"", r#"{"A":9223372036854775808}"#] {
        let reply = peer.call("Arith.Multiply", args, 1).await;
        assert!(
            reply["result"].is_null() && reply["error"].as_str().is_some_and(|e| !e.is_empty()),
            "{reply}"
        );
    }
    assert_eq!(peer.call("Arith.Multiply", r#"{"A":6,"B":7}"#, 2).await["result"], 42);
}

#[tokio::test]
async fn broken_json_closes_without_a_reply() {
    let server = start(services()).await;
    for bytes in [
        "[]",
        "1",
        "\"x\"",
        "{]",
        "{\"method\":5,\"params\":[]}",
        "{\"method\":\"Arith.Multiply\" \"params\":[]}",
        "nul",
        "\0",
        "}",
    ] {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send(bytes).await;
        if bytes == "nul" || bytes == "1" {
            // A value that may go on is only judged at its end.
            peer.half_close().await;
        }
        peer.expect_closed().await;
    }
    assert!(server.snapshot().server.malformed >= 8);
}

/// Go closes without a word; here the caller whose id has been read is told first.
#[tokio::test]
async fn broken_json_behind_an_id_is_answered_and_closes() {
    let server = start(services()).await;
    for (bytes, error) in [
        ("{\"method\":5,\"params\":[],\"id\":1}", "malformed at byte 10: method is no text"),
        ("{\"id\":1,\"method\":5,\"params\":[]}", "malformed at byte 17: method is no text"),
        ("{\"id\":1,\"params\":[}", "malformed at byte 18: no JSON value"),
        (
            "{\"id\":1,\"method\":\"Arith.Multiply\" \"params\":[]}",
            "malformed at byte 34: neither comma nor end after a value",
        ),
        ("{\"id\":1,\"method\":\"Arith.Multiply\",\"params\":[{", "unexpected EOF"),
        ("{\"id\":1,\"params\":[{", "unexpected EOF"),
        ("{\"id\":1,\"method\":\"No.Such\",\"params\":[}", "rpc: can't find service No.Such"),
    ] {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send(bytes).await;
        if error == "unexpected EOF" {
            peer.half_close().await;
        }
        peer.expect(format!("{{\"id\":1,\"result\":null,\"error\":\"{error}\"}}\n")).await;
        peer.expect_closed().await;
    }
    until(|| server.snapshot().server.malformed >= 5).await;
}
