//! What goes over the wire to servers of ours, and only when it is asked for.

use crate::peer::{json, run, settle};
use rpcwrap_client::{Config, Error};
use std::time::Duration;
use tokio::join;

fn extended() -> Config {
    Config::default().extensions(true)
}

#[test]
fn details_are_asked_for_and_read() {
    run(async {
        let (client, mut peer) = json(extended());
        let serve = async {
            assert_eq!(peer.line().await, r#"{"method":"Bank.Get","params":[7],"id":0,"details":true}"#);
            let reply = r#"{"id":0,"result":null,"error":"no","code":"not_found","data":{"account":7}}"#;
            peer.send(reply).await;
        };
        let error = join!(client.call::<_, i64>("Bank.Get", &7), serve).0.unwrap_err();
        let Error::Server { text, code, data } = error else { panic!("{error:?}") };
        assert_eq!((text.as_str(), code.as_str()), ("no", "not_found"));
        assert_eq!(data, Some(serde_json::json!({"account": 7})));
    });
}

#[test]
fn a_dropped_call_is_taken_back() {
    run(async {
        let (client, mut peer) = json(extended());
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<_, i64>("Slow.Sleep", &1).await }
        });
        assert_eq!(peer.id().await, 0);
        call.abort();
        assert_eq!(peer.line().await, r#"{"method":"_goRPC_.Cancel","params":[{"Seq":0}],"id":1}"#);
        peer.fail(0, "context canceled").await;
        peer.answer(1, "true").await;
        let serve = async {
            assert_eq!(peer.id().await, 2);
            peer.answer(2, "5").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap(), 5);
    });
}

#[test]
fn an_answered_call_is_not_taken_back() {
    run(async {
        let (client, mut peer) = json(extended());
        let call = tokio::spawn({
            let client = client.clone();
            async move {
                // Sent, and from then on not looked at.
                let call = client.call::<_, i64>("Echo.Int", &1);
                tokio::pin!(call);
                assert!(futures_util::poll!(call.as_mut()).is_pending());
                std::future::pending::<()>().await;
            }
        });
        let id = peer.id().await;
        peer.answer(id, "1").await;
        settle().await;
        call.abort();
        settle().await;
        drop(client);
        peer.expect_fin().await;
    });
}

#[test]
fn without_extensions_a_dropped_call_says_nothing() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<_, i64>("Slow.Sleep", &1).await }
        });
        assert_eq!(peer.line().await, r#"{"method":"Slow.Sleep","params":[1],"id":0}"#);
        call.abort();
        settle().await;
        drop(client);
        peer.expect_fin().await;
    });
}

#[test]
fn the_servers_deadline_is_the_callers_timeout() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let limit = Duration::from_secs(30);
        let serve = async {
            let id = peer.id().await;
            let text = "rpc: deadline exceeded after 30000 ms";
            let reply = format!(r#"{{"id":{id},"result":null,"error":"{text}","code":"deadline"}}"#);
            peer.send(reply).await;
        };
        let call = client.request("Slow.Sleep").timeout(limit).call::<_, i64>(&1);
        let error = join!(call, serve).0.unwrap_err();
        assert!(matches!(error, Error::Timeout { after, sent: true } if after == limit), "{error:?}");
    });
}
