//! Values that are lost easily: nothing at all, and fields that serde flattens.

use rpcwrap::{
    Server,
    codecs::{AnyCodec, BsonDialect},
    with_reply_type,
};
use rpcwrap_client::Config;
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    services::services,
};
use serde::{Deserialize, Serialize};

#[tokio::test]
async fn nothing_is_null_to_peers_of_ours_and_an_object_to_those_of_go() {
    let server = start(services().method("Maybe.None", |(): ()| async { Ok(None::<i64>) })).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    for method in ["Maybe.None", "Echo.Any"] {
        peer.send(json_request(method, "null", 1)).await;
        assert_eq!(peer.read_line().await, r#"{"id":1,"result":{},"error":null}"#);
        let request = format!(r#"{{"method":"{method}","params":[null],"id":2,"details":true}}"#);
        peer.send(request).await;
        assert_eq!(peer.read_line().await, r#"{"id":2,"result":null,"error":null}"#);
    }
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack] {
        let config = Config::default().extensions(true);
        let client = config.dial_http(&server.addr.to_string(), codec.clone()).await.unwrap();
        let none: Option<i64> = client.call("Maybe.None", &()).await.unwrap();
        assert_eq!(none, None, "{codec:?}");
    }
}

#[derive(Serialize, Deserialize)]
struct Base {
    id: u64,
}

#[derive(Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    base: Base,
}

#[tokio::test]
async fn a_flattened_reply_is_refused_where_gob_is_served() {
    let builder = || {
        let flat = with_reply_type(|id: u64| async move { Ok(Flat { base: Base { id } }) });
        Server::builder().method("Flat.Get", flat)
    };
    let error = builder().build().unwrap_err().to_string();
    assert!(
        error.starts_with("Flat.Get: its reply has #[serde(flatten)], which gob cannot carry"),
        "{error}"
    );
    let server = start(builder().without_gob()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(peer.call("Flat.Get", "5", 1).await["result"]["id"], 5);
}
