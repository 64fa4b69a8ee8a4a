//! The demo services, called within the program.

use rpcwrap::Server;
use serde_json::{Value, json};

fn server() -> Server {
    super::services(Server::builder()).build().unwrap()
}

#[tokio::test]
async fn replies() {
    let server = server();
    for (method, args, reply) in [
        ("Arith.Multiply", json!({"A": 7, "B": 8}), json!(56)),
        ("Arith.Multiply", json!({}), json!(0)),
        ("Arith.Multiply", json!({"A": i64::MAX, "B": 2}), json!(-2)),
        ("Arith.Add", json!({"A": 7, "B": 8, "C": 9}), json!(15)),
        ("Arith.Divide", json!({"A": -7, "B": 2}), json!({"Quo": -3, "Rem": -1})),
        ("Arith.Divide", json!({"A": i64::MIN, "B": -1}), json!({"Quo": i64::MIN, "Rem": 0})),
        ("Echo.Say", json!("zażółć"), json!("zażółć")),
        ("Echo.Bytes", json!("AP8K"), json!("AP8K")),
        ("Echo.Any", json!({"k": [1, "x", null, 1.5, true]}), json!({"k": [1, "x", null, 1.5, true]})),
        ("Sleep.For", json!(1), json!(1)),
        (
            "Echo.Who",
            json!(null),
            json!({"Addr": "in-process", "User": "", "Protocol": "in_process", "Codec": ""}),
        ),
    ] {
        assert_eq!(server.call::<_, Value>(method, &args).await, Ok(reply), "{method} {args}");
    }
}

#[tokio::test]
async fn failures() {
    let server = server();
    for (method, args, text, code) in [
        ("Arith.Divide", json!({"A": 1, "B": 0}), "divide by zero", "failed"),
        (
            "Fail.With",
            json!({"Text": "no such account", "Code": "not_found"}),
            "no such account",
            "not_found",
        ),
        ("Fail.With", json!({}), "unspecified error", "failed"),
        ("Fail.Panic", json!(null), "rpc: method panicked", "panicked"),
    ] {
        let error = server.call::<_, Value>(method, &args).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.code()), (text, code), "{method} {args}");
    }
}

#[test]
fn every_method_is_described() {
    let methods = server().snapshot().methods;
    assert!(methods.len() > 9 && methods.iter().all(|method| !method.doc.is_empty()), "{methods:?}");
}
