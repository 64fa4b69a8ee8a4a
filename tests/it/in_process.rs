//! Calls without sockets: typed, through the same dispatch.

use rpcwrap::Error;
use rpcwrap_tests::{
    raw::{Peer, bson_request, document},
    server::start,
    services::services,
};
use serde_json::{Value, json};

#[tokio::test]
async fn in_process_calls_are_typed() {
    let server = services().build().unwrap();
    let product: i64 = server.call("Arith.Multiply", &json!({"A": 6, "B": 7})).await.unwrap();
    assert_eq!(product, 42);
    let quotient: Value = server.call("Arith.Divide", &json!({"A": 17, "B": 5})).await.unwrap();
    assert_eq!(quotient, json!({"Quo": 3, "Rem": 2}));
    let text: String = server.call("Ctx.Who", &"").await.unwrap();
    assert_eq!(text.split(' ').next(), Some("in_process"));
}

#[tokio::test]
async fn errors_of_in_process_calls_say_their_kind() {
    let server = services().build().unwrap();
    for (name, args, code, text) in [
        ("Arith.Divide", json!({"A": 1}), "math", "divide by zero"),
        ("Arith.Nope", json!(1), "unknown_method", "rpc: can't find method Arith.Nope"),
        ("Nope.Nope", json!(1), "unknown_service", "rpc: can't find service Nope.Nope"),
        ("Nope", json!(1), "ill_formed", "rpc: service/method request ill-formed: Nope"),
    ] {
        let error = server.call::<_, Value>(name, &args).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }
    let error = server.call::<_, Value>("Arith.Multiply", &"x").await.unwrap_err();
    assert_eq!(error.code(), "bad_arguments");
    let error = server.call::<_, String>("Echo.Int", &5).await.unwrap_err();
    assert_eq!(error.code(), "bad_reply");
}

#[tokio::test]
async fn in_process_calls_are_counted() {
    let server = services().build().unwrap();
    for b in [0, 1, 2] {
        server.call::<_, Value>("Arith.Divide", &json!({"A": 1, "B": b})).await.ok();
    }
    let snapshot = server.snapshot();
    let divide = snapshot.methods.iter().find(|method| method.method == "Divide").unwrap();
    assert_eq!((divide.stats.calls, divide.stats.finished, divide.stats.failed), (3, 3, 1));
}

#[tokio::test]
async fn a_connection_within_the_program_is_one_like_any_other() {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "bson").await;
    peer.send(bson_request("Echo.Int", 1, &document(b"\x10_Val_\0\x05\0\0\0"))).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"\x12_Val_\0\x05\0\0\0\0\0\0\0")).await;
    assert_eq!(server.snapshot().server.connections, 1);
}

#[tokio::test]
async fn handlers_may_fail_with_any_error() {
    let parse = |text: String| async move { text.parse::<i64>().map_err(Error::new) };
    let server = services().method("Text.Parse", parse).build().unwrap();
    assert_eq!(server.call::<_, i64>("Text.Parse", &"12").await.unwrap(), 12);
    let error = server.call::<_, i64>("Text.Parse", &"x").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
}
