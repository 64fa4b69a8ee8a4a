//! What monitors are shown: connections, waiting calls, slow calls, statistics by peer address.

use super::{done, list, serving};
use crate::auth::login;
use rpcwrap_tests::{
    raw::{Peer, json_request},
    until,
};
use serde_json::{Value, json};

/// One member of every row.
fn column(rows: &Value, list: &str, member: &str) -> Vec<Value> {
    rows[list].as_array().unwrap().iter().map(|row| row[member].clone()).collect()
}

#[tokio::test]
async fn connections_are_listed_and_filtered_by_protocol_user_and_address() {
    let (server, _) = serving().await;
    let _session = Peer::connect_codec(server.addr, "bson").await;
    let _ala = login(&server, "ala", "ma kota").await;
    until(|| server.connections(9).iter().all(|one| !one.codec.is_empty())).await;
    let all = list(&server, "connections").await;
    assert_eq!(column(&all, "connections", "protocol"), ["go_rpc", "go_rpc", "http"]);
    assert_eq!(column(&all, "connections", "user"), [json!(null), json!("ala"), json!(null)]);
    let ids = column(&all, "connections", "id");
    let first = all["connections"][0]["peer"].as_str().unwrap();
    for (filter, wanted) in [
        ("limit=1".to_owned(), 1),
        ("user=ala".to_owned(), 1),
        ("user=ola".to_owned(), 0),
        ("protocol=go_rpc".to_owned(), 2),
        ("address=127.0.0.1".to_owned(), 3),
        ("address=127.0.0.2".to_owned(), 0),
        (format!("address={first}"), 1),
        (format!("id={}", ids[1]), 1),
        ("protocol=go_rpc&user=ala&address=127.0.0.1".to_owned(), 1),
    ] {
        let shown = list(&server, &format!("connections?{filter}")).await;
        assert_eq!(shown["connections"].as_array().unwrap().len(), wanted, "{filter}");
    }
}

#[tokio::test]
async fn calls_in_flight_are_listed() {
    let (server, gate) = serving().await;
    assert_eq!(list(&server, "calls").await, json!({"calls": []}));
    let mut ala = login(&server, "ala", "ma kota").await;
    ala.send(json_request("Gate.Wait", "1", 1)).await;
    let mut plain = Peer::connect_codec(server.addr, "json").await;
    plain.send(json_request("Gate.Stream", "1", 1)).await;
    until(|| gate.entered() == 2).await;
    let all = list(&server, "calls").await;
    let mut methods = column(&all, "calls", "method");
    methods.sort_by_key(Value::to_string);
    assert_eq!(methods, ["Gate.Stream", "Gate.Wait"]);
    let of_ala = list(&server, "calls?user=ala").await;
    let connection = &server.connections(9)[0];
    let call = &of_ala["calls"][0];
    assert_eq!(column(&of_ala, "calls", "method"), ["Gate.Wait"]);
    assert_eq!(
        (&call["connection"], &call["peer"]),
        (&json!(connection.id), &json!(connection.peer.to_string()))
    );
    assert!(call["age_seconds"].as_f64().unwrap() < 10.0);
    let of_connection = list(&server, &format!("calls?connection={}", connection.id)).await;
    assert_eq!(of_connection["calls"].as_array().unwrap().len(), 1);
    // The stream is there between its items too.
    gate.open(2);
    until(|| gate.left() == 1).await;
    plain.read_json().await;
    until(|| {
        server.snapshot().methods.iter().all(|method| method.method != "Wait" || method.stats.finished == 1)
    })
    .await;
    assert_eq!(column(&list(&server, "calls").await, "calls", "method"), ["Gate.Stream"]);
    done(&server, "kill", r#"{"address":"127.0.0.1"}"#).await;
    until(|| gate.left() == 2).await;
    assert_eq!(list(&server, "calls").await, json!({"calls": []}));
}

#[tokio::test]
async fn slow_calls_are_listed_once_a_threshold_is_set() {
    let (server, gate) = serving().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.call("Echo.Int", "5", 1).await;
    assert_eq!(list(&server, "slow").await, json!({"calls": []}), "a second is long");
    // From now on every call is slow, on this connection too.
    done(&server, "settings", r#"{"slow_call":"1ns"}"#).await;
    let request = json_request("Echo.Int", "5", 2);
    peer.send(&request).await;
    peer.read_json().await;
    peer.call("Arith.Divide", r#"{"A":1,"B":0}"#, 3).await;
    peer.send(json_request("Gate.Wait", "7", 4)).await;
    gate.open(1);
    peer.read_json().await;
    let mut http = Peer::connect(server.addr).await;
    http.http("POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n5").await;
    let shown = list(&server, "slow").await;
    assert_eq!(
        column(&shown, "calls", "method"),
        ["Echo.Int", "Gate.Wait", "Arith.Divide", "Echo.Int"],
        "the latest first"
    );
    assert_eq!(column(&shown, "calls", "error"), [json!(null), json!(null), json!("math"), json!(null)]);
    assert_eq!(column(&shown, "calls", "protocol"), ["http", "go_rpc", "go_rpc", "go_rpc"]);
    let first = &shown["calls"][3];
    assert_eq!(first["request_bytes"], request.trim_end().len());
    assert!(first["seconds"].as_f64().unwrap() > 0.0 && first["unix_time"].as_f64().unwrap() > 1.7e9);
    assert_eq!(list(&server, "slow?limit=1").await["calls"].as_array().unwrap().len(), 1);
    done(&server, "settings", r#"{"slow_call":null}"#).await;
    peer.call("Echo.Int", "5", 5).await;
    assert_eq!(list(&server, "slow").await["calls"].as_array().unwrap().len(), 4, "none is slow any more");
}

#[tokio::test]
async fn statistics_by_peer_address_and_method() {
    let (server, gate) = serving().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let pipelined: String = (0..50).map(|id| json_request("Echo.Int", "5", id)).collect();
    peer.send(pipelined).await;
    for _ in 0..50 {
        peer.read_json().await;
    }
    peer.call("Arith.Divide", r#"{"A":1,"B":0}"#, 1).await;
    peer.call("Arith.Divide", r#"{"A":1,"B":1}"#, 2).await;
    peer.send(json_request("Gate.Wait", "7", 3)).await;
    gate.open(1);
    peer.read_json().await;
    let mut http = Peer::connect(server.addr).await;
    http.http("POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n5").await;
    let _: i64 = server.call("Echo.Int", &5).await.unwrap();
    let shown = list(&server, "peers").await;
    let rows: Vec<_> = shown["peers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["address"], row["method"], row["calls"], row["errors"], row["last_error"]]))
        .collect();
    assert_eq!(
        rows,
        [
            json!(["127.0.0.1", "Echo.Int", 51, 0, null]),
            json!(["127.0.0.1", "Arith.Divide", 2, 1, "math"]),
            json!(["127.0.0.1", "Gate.Wait", 1, 0, null]),
            json!(["in-process", "Echo.Int", 1, 0, null]),
        ]
    );
    let first = &shown["peers"][0];
    let (p50, p99) = (first["p50_seconds"].as_f64().unwrap(), first["p99_seconds"].as_f64().unwrap());
    assert!(p50 > 0.0 && p99 >= p50 && first["last_seconds_ago"].as_f64().unwrap() < 10.0, "{first}");
    assert_eq!(list(&server, "peers?address=in-process").await["peers"].as_array().unwrap().len(), 1);
    let of_method = list(&server, "peers?method=Echo.Int&limit=1").await;
    assert_eq!(column(&of_method, "peers", "calls"), [51]);
    done(&server, "settings", r#"{"max_peer_statistics":0}"#).await;
    peer.call("Echo.Int", "5", 4).await;
    assert_eq!(list(&server, "peers").await, json!({"peers": []}));
}
