//! Types that a gob connection defines: as many as the setting allows, and what they take is held for their peer.

use super::gob;
use rpcwrap::Config;
use rpcwrap_tests::{
    limit,
    raw::Peer,
    server::{TestServer, start},
    services::services,
    until,
};

/// Lets a peer define so many types, those of its header and its argument among them, and call.
async fn define(server: &TestServer, types: usize) -> Peer {
    let definitions = vec![gob::slice(gob::INT); types - 1];
    let mut peer = Peer::connect_codec(server.addr, "gob").await;
    let _ = peer.try_send(gob::call("Echo.Ints", &definitions, b"\0\x01\x0a")).await;
    peer
}

#[tokio::test]
async fn a_connection_defines_as_many_types_as_the_setting_says_and_no_more() {
    for most in [16, Config::default().max_gob_types, 20_000] {
        let server = start(services().config(Config::default().max_gob_types(most))).await;
        let mut fits = define(&server, most).await;
        fits.read_until("Echo.Ints").await;
        let mut over = define(&server, most + 1).await;
        let said = over.read_to_end().await;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("gob: too many types"), "{most}: {said}");
        // The other is served on.
        fits.send(gob::again("Echo.Ints", b"\0\x01\x0c")).await;
        fits.read_until("Echo.Ints").await;
    }
}

#[tokio::test]
async fn what_types_take_is_held_for_their_peer() {
    let server = start(services().config(Config::default().max_gob_types(20_000))).await;
    let held = || server.snapshot().server.held_bytes;
    let mut few = define(&server, 32).await;
    few.read_until("Echo.Ints").await;
    limit(until(|| held() == 0)).await;
    let mut many = define(&server, 20_000).await;
    many.read_until("Echo.Ints").await;
    limit(until(|| (20_000 * 16..20_000 * 512).contains(&held()))).await;
    drop(many);
    limit(until(|| held() == 0)).await;
}
