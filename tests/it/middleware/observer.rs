//! Observers: told once of every call that has ended, however it did.

use super::{Log, Product, Way, Work, serve, ways};
use rpcwrap::{Config, Server};
use rpcwrap_client::{AnyCodec, dial_http};
use rpcwrap_tests::{limit, raw::Peer, until};

#[tokio::test]
async fn an_observer_is_told_of_every_call_once() {
    let (work, log) = (Work::new(), Log::default());
    let server = serve(&work, |builder| {
        let log = log.clone();
        builder.on_call(move |call| log.add(format!("{} {}", call.method(), call.code().unwrap_or("ok"))))
    })
    .await;
    for way in ways() {
        let shown = format!("{way:?}");
        let mut caller = way.connect(&server).await;
        work.open(1);
        for (method, a, code) in [
            ("Multiply", 7, "ok"),
            ("Wait", 7, "ok"),
            ("Multiply", 0, "idle"),
            ("Multiply", 13, "panicked"),
            ("Full", 7, "busy"),
        ] {
            assert_eq!(caller.call(method, a, 8).await.is_ok(), code == "ok", "{shown}");
            assert_eq!(log.take(), [format!("{method} {code}")], "{shown}");
        }
        // No call of a method.
        caller.call("Nope", 7, 8).await.unwrap_err();
        assert_eq!(log.len(), 0);
    }
    // Arguments that do not fit, time that is over, a caller that takes it back, one that goes.
    let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    peer.call("Work.Multiply", "\"text\"", 1).await;
    peer.send(r#"{"method":"Work.Wait","params":[{}],"id":2,"timeout":10}"#).await;
    peer.read_json().await;
    peer.send(r#"{"method":"Work.Wait","params":[{}],"id":3}{"method":"_goRPC_.Cancel","params":[{"Seq":3}],"id":4}"#)
        .await;
    peer.read_json().await;
    peer.read_json().await;
    assert_eq!(log.take(), ["Multiply bad_arguments", "Wait deadline", "Wait canceled"]);
    let entered = work.entered();
    peer.send(r#"{"method":"Work.Wait","params":[{}],"id":5}"#).await;
    until(|| work.entered() == entered + 1).await;
    drop(peer);
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), ["Wait canceled"]);
}

#[tokio::test]
async fn a_stream_is_one_call_with_the_bytes_of_all_its_items() {
    let log = Log::default();
    let server = serve(&Work::new(), |builder| {
        let log = log.clone();
        builder.on_call(move |call| log.add(format!("{} {}", call.method(), call.reply_size())))
    })
    .await;
    let client = limit(dial_http(&server.addr.to_string(), AnyCodec::Json)).await.unwrap();
    let args = super::Pair { a: 10, b: -1 };
    let mut stream = limit(client.stream::<_, Product>("Work.Count", &args)).await.unwrap();
    while limit(stream.next()).await.is_some() {}
    let item = r#"{"id":0,"result":{"Value":0},"error":null}"#.len() + 1;
    assert_eq!(log.take(), [format!("Count {}", 10 * item)]);
}

#[tokio::test]
async fn a_panic_of_an_observer_is_counted_and_no_more() {
    let (first, second) = (Log::default(), Log::default());
    let server = serve(&Work::new(), |builder| {
        let (first, second) = (first.clone(), second.clone());
        builder
            .on_call(move |call| {
                first.add(call.method());
                panic!("later")
            })
            .on_call(move |call| second.add(call.method()))
    })
    .await;
    let mut caller = Way::GoRpc(AnyCodec::Json).connect(&server).await;
    for _ in 0..3 {
        assert_eq!(caller.call("Multiply", 7, 8).await, Ok(56));
        assert_eq!(caller.call("Spawned", 7, 8).await, Ok(56));
    }
    assert_eq!((first.len(), second.take().len(), server.snapshot().server.panics), (6, 6, 6));
}

#[tokio::test]
async fn an_observer_is_told_of_calls_cut_by_the_drain() {
    let (work, log) = (Work::new(), Log::default());
    let told = log.clone();
    let server = Server::builder()
        .service(work.service())
        .config(Config::default())
        .on_call(move |call| told.add(call.code().unwrap_or("ok")))
        .build()
        .unwrap();
    let addr = limit(server.listen("127.0.0.1:0")).await.unwrap().to_string();
    let client = limit(dial_http(&addr, AnyCodec::Gob)).await.unwrap();
    let args = super::Pair { a: 7, b: 8 };
    let cut = client.call::<_, Product>("Work.Wait", &args);
    let stop = async {
        until(|| work.entered() == 1).await;
        server.stop().await
    };
    let (answer, _) = tokio::join!(cut, stop);
    answer.unwrap_err();
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), ["canceled"]);
}
