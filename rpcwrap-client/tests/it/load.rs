//! Many callers at once: everybody is served, and the limit holds.

use crate::peer::{Peer, connected, run};
use bytes::BytesMut;
use codecs::Limits;
use futures_util::{StreamExt, stream::FuturesUnordered};
use rpcwrap_client::{AnyCodec, BsonDialect, Client, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: usize = 256;

/// Answers every request with its argument, all that have come at once; the most that were there at once.
async fn echo(mut peer: Peer, codec: AnyCodec) -> usize {
    let mut server = codec.server(Limits::default());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut most = 0;
    loop {
        input.reserve(64 << 10);
        if peer.stream.read_buf(&mut input).await.unwrap() == 0 {
            return most;
        }
        let mut requests = 0;
        while let Some(request) = server.decode(&mut input).unwrap() {
            let value: i64 = server.args(&request).decode().unwrap();
            server.reply_to(&request).encode(&value, None, &mut output).unwrap();
            requests += 1;
        }
        most = most.max(requests);
        peer.stream.write_all_buf(&mut output).await.unwrap();
    }
}

async fn call(client: &Client, n: i64) {
    assert_eq!(client.call::<_, i64>("Echo.Int", &n).await.unwrap(), n);
}

#[test]
fn a_hundred_thousand_calls_within_the_limit() {
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto)] {
        run(async {
            let (client, peer) = connected(codec.clone(), Config::default());
            let server = tokio::spawn(echo(peer, codec.clone()));
            let mut calls: FuturesUnordered<_> = (0..100_000).map(|n| call(&client, n)).collect();
            let mut done = 0;
            while calls.next().await.is_some() {
                done += 1;
                assert!(client.in_flight() <= LIMIT);
            }
            assert_eq!(done, 100_000);
            drop(calls);
            drop(client);
            let most = server.await.unwrap();
            assert!(most <= LIMIT && most > LIMIT / 4, "{most} in one batch");
        });
    }
}

#[test]
fn callers_on_several_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, peer) = connected(AnyCodec::Json, Config::default().max_in_flight(16));
        let server = tokio::spawn(echo(peer, AnyCodec::Json));
        let callers: Vec<_> = (0..64)
            .map(|caller| {
                let client = client.clone();
                tokio::spawn(async move {
                    for n in 0..500 {
                        // Some give up, at every stage a call has.
                        if (caller + n) % 7 == 0 {
                            let _ = tokio::time::timeout(std::time::Duration::ZERO, call(&client, n)).await;
                        } else {
                            call(&client, n).await;
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(client.in_flight(), 0);
        // Every permit has come back.
        futures_util::future::join_all((0..64).map(|n| call(&client, n))).await;
        drop(client);
        assert!(server.await.unwrap() <= 64);
    });
}
