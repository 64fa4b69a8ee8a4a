//! What calls put on the wire, who gets which reply, and how a connection ends in good order.

use crate::peer::{Counting, json, run, settle};
use futures_util::future::join_all;
use rpcwrap_client::{AnyCodec, Client, Config, Error};
use serde::Serialize;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{io::AsyncWriteExt, join};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[test]
fn sequential_calls_are_gos_bytes() {
    run(async {
        let (client, mut peer) = json(Config::default());
        for seq in 0..3 {
            let args = Args { a: 7, b: seq };
            let call = client.call::<_, i64>("Arith.Multiply", &args);
            let serve = async {
                let expected =
                    format!(r#"{{"method":"Arith.Multiply","params":[{{"A":7,"B":{seq}}}],"id":{seq}}}"#);
                peer.expect(expected + "\n").await;
                peer.answer(seq as u64, &(7 * seq).to_string()).await;
            };
            assert_eq!(join!(call, serve).0.unwrap(), 7 * seq);
        }
        assert_eq!(client.in_flight(), 0);
    });
}

#[test]
fn replies_out_of_order_reach_their_callers() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let calls = join_all((0..10).map(|n| {
            let client = client.clone();
            async move { client.call::<_, u64>("Echo.Int", &n).await.unwrap() }
        }));
        let serve = async {
            let mut requests = Vec::new();
            for _ in 0..10 {
                requests.push(peer.id().await);
            }
            for id in requests.into_iter().rev() {
                peer.answer(id, &(100 + id).to_string()).await;
            }
        };
        assert_eq!(join!(calls, serve).0, (100..110).collect::<Vec<_>>());
    });
}

#[test]
fn unknown_and_second_replies_are_dropped() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let serve = async {
            peer.answer(77, "1").await;
            let id = peer.id().await;
            peer.answer(id + 1, "2").await;
            peer.answer(id, "3").await;
            peer.answer(id, "4").await;
            let next = peer.id().await;
            peer.answer(id, "5").await;
            peer.answer(next, "6").await;
        };
        let calls = async {
            assert_eq!(client.call::<_, i64>("Echo.Int", &0).await.unwrap(), 3);
            assert_eq!(client.call::<_, i64>("Echo.Int", &0).await.unwrap(), 6);
        };
        join!(serve, calls);
    });
}

#[test]
fn concurrent_calls_share_a_write() {
    run(async {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = crate::peer::Peer { stream: theirs };
        let writes = Arc::new(AtomicUsize::new(0));
        let ours = Counting { stream: ours, writes: writes.clone() };
        let client = Client::over(ours, AnyCodec::Json, Config::default());
        let callers: Vec<_> = (0..64)
            .map(|n| {
                let client = client.clone();
                tokio::spawn(async move {
                    for round in 0..10 {
                        let reply: i64 = client.call("Echo.Int", &(n * 10 + round)).await.unwrap();
                        assert_eq!(reply, -1);
                    }
                })
            })
            .collect();
        for _ in 0..10 {
            let mut replies = String::new();
            for _ in 0..64 {
                let id = peer.id().await;
                replies += &format!("{{\"id\":{id},\"result\":-1,\"error\":null}}\n");
            }
            peer.send(replies).await;
        }
        for caller in callers {
            caller.await.unwrap();
        }
        let writes = writes.load(Ordering::Relaxed);
        assert!(writes <= 12, "640 calls in {writes} writes");
    });
}

#[test]
fn dropping_a_call_frees_its_place_and_its_late_reply_is_dropped() {
    run(async {
        let (client, mut peer) = json(Config::default().max_in_flight(1));
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<_, i64>("Slow.Sleep", &1).await }
        });
        let first = peer.id().await;
        assert_eq!(client.in_flight(), 1);
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert_eq!(client.in_flight(), 0);
        let serve = async {
            let second = peer.id().await;
            assert_ne!(first, second);
            peer.answer(first, "1").await;
            peer.answer(second, "2").await;
        };
        let call = client.call::<_, i64>("Slow.Sleep", &2);
        assert_eq!(join!(call, serve).0.unwrap(), 2);
    });
}

#[test]
fn callers_beyond_the_limit_wait_for_their_turn() {
    run(async {
        let (client, mut peer) = json(Config::default().max_in_flight(2));
        let calls = join_all((0..6).map(|n: i64| {
            let client = client.clone();
            async move { client.call::<_, i64>("Echo.Int", &n).await.unwrap() == n }
        }));
        let serve = async {
            let mut waiting = vec![peer.id().await, peer.id().await];
            for answered in 0..6 {
                settle().await;
                assert_eq!(client.in_flight(), 2.min(6 - answered));
                let id = waiting.remove(0);
                peer.answer(id, &id.to_string()).await;
                if answered < 4 {
                    waiting.push(peer.id().await);
                }
            }
        };
        let (replies, ()) = join!(calls, serve);
        assert_eq!(replies, [true; 6]);
    });
}

#[test]
fn close_answers_what_is_in_flight_then_says_goodbye() {
    run(async {
        let (client, mut peer) = json(Config::default().max_in_flight(1));
        let call = |n: i64| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<_, i64>("Echo.Int", &n).await })
        };
        let (sent, waiting) = (call(1), call(2));
        let id = peer.id().await;
        let closing = tokio::spawn({
            let client = client.clone();
            async move { client.close().await }
        });
        settle().await;
        assert!(client.is_closed() && !closing.is_finished());
        for refused in [waiting.await.unwrap(), client.call("Echo.Int", &3).await] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Error::Shutdown) && !refused.may_have_executed(), "{refused:?}");
        }
        peer.answer(id, "9").await;
        assert_eq!(sent.await.unwrap().unwrap(), 9);
        peer.expect_fin().await;
        closing.await.unwrap();
        client.close().await;
    });
}

#[test]
fn close_ends_when_the_last_call_is_dropped() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<_, i64>("Echo.Int", &1).await }
        });
        peer.id().await;
        let close = client.close();
        let give_up = async {
            settle().await;
            call.abort();
        };
        join!(close, give_up);
        peer.expect_fin().await;
    });
}

#[test]
fn the_last_handle_closes_the_connection() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let other = client.clone();
        drop(client);
        let serve = async {
            let id = peer.id().await;
            peer.answer(id, "5").await;
        };
        assert_eq!(join!(other.call::<_, i64>("Echo.Int", &5), serve).0.unwrap(), 5);
        drop(other);
        peer.expect_fin().await;
    });
}

#[test]
fn large_messages_both_ways_in_small_pieces() {
    run(async {
        let (ours, theirs) = tokio::io::duplex(1000);
        let mut peer = crate::peer::Peer { stream: theirs };
        let client = Client::over(ours, AnyCodec::Json, Config::default());
        let text = "x".repeat(300_000);
        let call = client.call::<_, String>("Echo.String", &text);
        let serve = async {
            peer.expect(format!("{{\"method\":\"Echo.String\",\"params\":[\"{text}\"],\"id\":0}}\n")).await;
            peer.answer(0, &format!("\"{text}\"")).await;
            peer.stream.flush().await.unwrap();
        };
        assert_eq!(join!(call, serve).0.unwrap(), text);
    });
}
