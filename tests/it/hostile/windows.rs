//! Ten thousand calls in one write by a peer that then closes its side, in every codec: all answered, 256 at a time.

use bytes::BytesMut;
use rpcwrap::{
    Server,
    codecs::{AnyCodec, BsonDialect, CallOptions, Limits},
};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    services::{Gate, services},
    until,
};
use std::collections::HashSet;

const CALLS: u64 = 10_000;

async fn answered_in_windows(codec: AnyCodec) {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, codec.name()).await;
    let (mut writer, mut calls) = (codec.request_writer(), BytesMut::new());
    for seq in 0..CALLS {
        writer.encode(seq, "Gate.Wait", CallOptions::default(), &seq, None, &mut calls).unwrap();
    }
    let sending = tokio::spawn(async move {
        peer.send(&calls).await;
        peer.half_close().await;
        peer
    });
    until(|| gate.entered() == 256).await;
    // Other connections are not in its way, and it stays at that.
    let mut other = Peer::connect_codec(server.addr, "json").await;
    for id in 0..20 {
        assert_eq!(other.call("Echo.Int", "1", id).await["result"], 1);
        assert_eq!(gate.entered(), 256, "{codec:?}");
    }
    gate.open(CALLS as usize);
    let (mut peer, mut reader) = (sending.await.unwrap(), codec.reply_reader(Limits::default()));
    let mut seen = HashSet::new();
    for _ in 0..CALLS {
        let reply = peer.read_message(|buf| reader.decode(buf)).await;
        assert_eq!(reply.error(), None);
        assert!(reply.seq() < CALLS && seen.insert(reply.seq()), "{codec:?}: {}", reply.seq());
    }
    // JSON's last line may still have its end.
    assert_eq!(peer.read_to_end().await.trim_ascii(), b"", "{codec:?}");
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn ten_thousand_calls_in_one_write_keep_to_the_window_in_every_codec() {
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack] {
        answered_in_windows(codec).await;
    }
}

/// With its window full it is not read, and its end stands behind calls that have not been read.
#[tokio::test]
async fn handlers_go_with_a_peer_that_is_reset_behind_a_full_window() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    goes_behind_a_full_window(peer, &gate, &server).await;
}

/// Makes all calls that a connection may have in flight and more, and goes: its handlers go too.
pub(crate) async fn goes_behind_a_full_window(mut peer: Peer, gate: &Gate, server: &Server) {
    peer.send(json_request("Gate.Wait", "1", 1).repeat(1_000)).await;
    until(|| gate.entered() == 256).await;
    drop(peer);
    until(|| gate.left() == 256).await;
    assert_eq!(gate.entered(), 256);
    until(|| server.snapshot().server.connections == 0).await;
}
