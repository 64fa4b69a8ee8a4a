//! Streams: their items, their ends, and that a slow reader is its own problem.

use crate::peer::{json, run, run_paused, settle};
use futures_util::StreamExt;
use rpcwrap_client::{Config, Error};
use std::time::Duration;
use tokio::join;

#[test]
fn items_until_the_end() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let mut items = client.stream::<_, i64>("Stream.Count", &3).await.unwrap();
        assert_eq!(peer.line().await, r#"{"method":"Stream.Count","params":[3],"id":0}"#);
        for item in 0..3 {
            peer.answer(0, &item.to_string()).await;
            assert_eq!(items.next().await.unwrap().unwrap(), item);
        }
        peer.fail(0, "EOS").await;
        assert!(items.next().await.is_none());
        assert_eq!(client.in_flight(), 0, "the end frees the place, not the drop");
        assert!(items.next().await.is_none());
    });
}

#[test]
fn an_error_is_the_last_word() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let items = client.stream::<_, i64>("Stream.Count", &3).await.unwrap();
        peer.answer(0, "0").await;
        peer.fail(0, "triggered error in middle").await;
        let items: Vec<_> = items.map(|item| item.map_err(|error| error.to_string())).collect().await;
        assert_eq!(items, [Ok(0), Err("triggered error in middle".to_owned())]);
    });
}

#[test]
fn an_item_of_another_type_ends_its_stream_only() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let mut items = client.stream::<_, i64>("Stream.Count", &3).await.unwrap();
        peer.answer(0, "0").await;
        peer.answer(0, "\"text\"").await;
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
        assert!(matches!(items.next().await, Some(Err(Error::Decode(_)))));
        assert!(items.next().await.is_none());
        assert_eq!(client.in_flight(), 0);
        peer.line().await;
        let serve = async {
            let id = peer.id().await;
            peer.answer(0, "2").await;
            peer.answer(id, "5").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &5), serve).0.unwrap(), 5);
    });
}

#[test]
fn a_slow_reader_loses_its_stream_and_stalls_no_other_call() {
    run(async {
        let (client, mut peer) = json(Config::default().stream_buffer_items(10));
        let mut slow = client.stream::<_, i64>("Stream.Count", &100).await.unwrap();
        let mut fine = client.stream::<_, i64>("Stream.Count", &100).await.unwrap();
        let (slow_id, fine_id) = (peer.id().await, peer.id().await);
        for item in 0..100 {
            peer.answer(slow_id, &item.to_string()).await;
            peer.answer(fine_id, &item.to_string()).await;
            assert_eq!(fine.next().await.unwrap().unwrap(), item);
        }
        let serve = async {
            let id = peer.id().await;
            peer.answer(id, "5").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &5), serve).0.unwrap(), 5);
        for item in 0..10 {
            assert_eq!(slow.next().await.unwrap().unwrap(), item);
        }
        let error = slow.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Overrun { items: 10, .. }), "{error:?}");
        assert!(slow.next().await.is_none());
        peer.fail(fine_id, "EOS").await;
        assert!(fine.next().await.is_none());
        assert_eq!(client.in_flight(), 0);
    });
}

#[test]
fn a_byte_limit_holds_for_streams_too() {
    run(async {
        let (client, mut peer) = json(Config::default().stream_buffer_bytes(100_000));
        let mut items = client.stream::<_, String>("Stream.Texts", &()).await.unwrap();
        let id = peer.id().await;
        for _ in 0..10 {
            peer.answer(id, &format!("\"{}\"", "x".repeat(30_000))).await;
        }
        settle().await;
        let mut seen = 0;
        while let Some(Ok(_)) = items.next().await {
            seen += 1;
        }
        assert_eq!(seen, 3);
    });
}

#[test]
fn an_overrun_or_dropped_stream_is_taken_back_where_that_is_understood() {
    run(async {
        let (client, mut peer) = json(Config::default().extensions(true).stream_buffer_items(1));
        let slow = client.stream::<_, i64>("Stream.Count", &9).await.unwrap();
        let dropped = client.stream::<_, i64>("Stream.Count", &9).await.unwrap();
        let (slow_id, dropped_id) = (peer.id().await, peer.id().await);
        drop(dropped);
        let cancel =
            |seq, id| format!(r#"{{"method":"_goRPC_.Cancel","params":[{{"Seq":{seq}}}],"id":{id}}}"#);
        assert_eq!(peer.line().await, cancel(dropped_id, 2));
        peer.answer(slow_id, "0").await;
        peer.answer(slow_id, "1").await;
        assert_eq!(peer.line().await, cancel(slow_id, 3));
        drop(slow);
        drop(client);
        peer.expect_fin().await;
    });
}

#[test]
fn a_stream_fails_with_its_connection_after_what_came() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let mut items = client.stream::<_, i64>("Stream.Count", &3).await.unwrap();
        peer.id().await;
        peer.answer(0, "0").await;
        drop(peer);
        settle().await;
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
        let error = items.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Io(_)) && error.may_have_executed(), "{error:?}");
        assert!(items.next().await.is_none());
    });
}

#[test]
fn a_stream_keeps_its_connection() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let mut items = client.stream::<_, i64>("Stream.Count", &1).await.unwrap();
        drop(client);
        peer.id().await;
        peer.answer(0, "7").await;
        assert_eq!(items.next().await.unwrap().unwrap(), 7);
        drop(items);
        peer.expect_fin().await;
    });
}

#[test]
fn a_streams_time_is_up_in_the_middle_of_it() {
    run_paused(async {
        let (client, mut peer) = json(Config::default());
        let limit = Duration::from_secs(2);
        let mut items = client.request("Stream.Count").timeout(limit).stream::<_, i64>(&9).await.unwrap();
        assert!(peer.line().await.contains(r#""timeout":2000"#));
        peer.answer(0, "0").await;
        assert_eq!(items.next().await.unwrap().unwrap(), 0);
        let error = items.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Timeout { sent: true, .. }), "{error:?}");
        assert!(items.next().await.is_none());
        assert_eq!(client.in_flight(), 0);
    });
}

#[test]
fn a_plain_call_of_a_streaming_method_gets_its_first_item() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let serve = async {
            let id = peer.id().await;
            for item in 0..3 {
                peer.answer(id, &item.to_string()).await;
            }
            peer.fail(id, "EOS").await;
            let id = peer.id().await;
            peer.answer(id, "5").await;
        };
        let calls = async {
            assert_eq!(client.call::<_, i64>("Stream.Count", &3).await.unwrap(), 0);
            assert_eq!(client.call::<_, i64>("Echo.Int", &3).await.unwrap(), 5);
        };
        join!(serve, calls);
    });
}
