//! The client and our own server, without sockets: what only the two together can show.

use crate::peer::run;
use futures_util::{StreamExt, stream};
use rpcwrap::{Context, Server, Service};
use rpcwrap_client::{AnyCodec, BsonDialect, Client, Config, Error};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

pub(crate) const CODECS: [AnyCodec; 4] =
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack];

/// `Slow.Wait` never answers; `stopped` hears when it is dropped.
fn server(stopped: &Arc<Notify>) -> Server {
    struct OnDrop(Arc<Notify>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (waiting, streaming) = (stopped.clone(), stopped.clone());
    let slow = Service::new("Slow")
        .method("Wait", move |_: ()| {
            let guard = OnDrop(waiting.clone());
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
                Ok(0i64)
            }
        })
        .stream("Tick", move |_: ()| {
            let guard = OnDrop(streaming.clone());
            stream::iter([1i64]).chain(stream::pending()).map(move |item| {
                let _guard = &guard;
                Ok::<_, rpcwrap::Error>(item)
            })
        });
    let bank = Service::new("Bank")
        .method("Get", |account: i64| async move {
            let error = rpcwrap::Error::new("no such account").code("not_found");
            Err::<i64, _>(error.data(serde_json::json!({ "account": account })))
        })
        .method(
            "Whoami",
            |cx: Context, _: ()| async move { Ok(cx.user().unwrap_or("anonymous").to_owned()) },
        );
    Server::builder().service(slow).service(bank).build().unwrap()
}

async fn connect(server: &Server, codec: AnyCodec, config: Config) -> Client {
    config.dial_over(server.connect().unwrap(), codec).await.unwrap()
}

#[test]
fn a_timeout_stops_the_method_too() {
    for codec in CODECS {
        run(async {
            let stopped = Arc::new(Notify::new());
            let server = server(&stopped);
            let client = connect(&server, codec, Config::default()).await;
            let limit = Duration::from_millis(20);
            let called = client.request("Slow.Wait").timeout(limit).call::<_, i64>(&()).await;
            assert!(matches!(called, Err(Error::Timeout { sent: true, .. })), "{called:?}");
            stopped.notified().await;
        });
    }
}

#[test]
fn a_dropped_call_or_stream_stops_the_method_with_extensions() {
    for codec in CODECS {
        run(async {
            let stopped = Arc::new(Notify::new());
            let server = server(&stopped);
            let client = connect(&server, codec, Config::default().extensions(true)).await;
            let call = tokio::spawn({
                let client = client.clone();
                async move { client.call::<_, i64>("Slow.Wait", &()).await }
            });
            let mut ticks = client.stream::<_, i64>("Slow.Tick", &()).await.unwrap();
            assert_eq!(ticks.next().await.unwrap().unwrap(), 1);
            drop(ticks);
            stopped.notified().await;
            call.abort();
            stopped.notified().await;
            assert_eq!(client.call::<_, String>("Bank.Whoami", &()).await.unwrap(), "anonymous");
        });
    }
}

#[test]
fn structured_errors_arrive_whole() {
    for codec in CODECS {
        run(async {
            let server = server(&Arc::default());
            for extensions in [false, true] {
                let config = Config::default().extensions(extensions);
                let client = connect(&server, codec.clone(), config).await;
                let error = client.call::<_, i64>("Bank.Get", &7).await.unwrap_err();
                let Error::Server { text, code, data } = error else { panic!("{error:?}") };
                assert_eq!(text, "no such account");
                assert_eq!(code, if extensions { "not_found" } else { "" });
                assert_eq!(data, extensions.then(|| serde_json::json!({"account": 7})));
            }
        });
    }
}

#[test]
fn a_draining_server_is_told_from_a_failing_one() {
    run(async {
        let server = Arc::new(server(&Arc::default()));
        let client = connect(&server, AnyCodec::Json, Config::default()).await;
        assert_eq!(client.call::<_, String>("Bank.Whoami", &()).await.unwrap(), "anonymous");
        // In flight: the drain waits for it, and so does the connection.
        let mut ticks = client.stream::<_, i64>("Slow.Tick", &()).await.unwrap();
        assert_eq!(ticks.next().await.unwrap().unwrap(), 1);
        let draining = tokio::spawn({
            let server = server.clone();
            async move { server.drain(Duration::from_secs(1)).await.cut }
        });
        crate::peer::settle().await;
        let error = client.call::<_, String>("Bank.Whoami", &()).await.unwrap_err();
        assert!(matches!(error, Error::Draining) && !error.may_have_executed(), "{error:?}");
        let error = ticks.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Io(_)) && error.may_have_executed(), "{error:?}");
        assert_eq!(draining.await.unwrap(), 1);
    });
}
