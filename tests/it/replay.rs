//! Recorded exchanges, replayed whole, cut in two at every byte, and one byte at a time.

use rpcwrap_tests::{raw::Peer, raw::each_split, server::TestServer, server::start, services::services};
use serde::Deserialize;

/// One line of `data/*.json`.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) send: String,
    pub(crate) expect: String,
    #[serde(default)]
    ends: Ends,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Ends {
    #[default]
    Open,
    Server,
    Peer,
}

pub(crate) async fn replay(codec: &str, data: &str, bytes: impl Fn(&str) -> Vec<u8>) {
    let server = start(services()).await;
    let exchanges: Vec<Exchange> = serde_json::from_str(data).unwrap();
    assert!(exchanges.len() > 50);
    for Exchange { name, send, expect, ends } in &exchanges {
        let (send, expect) = (bytes(send), bytes(expect));
        // A real socket once, then all ways of cutting without one.
        let mut peer = Peer::connect_codec(server.addr, codec).await;
        println!("{name}");
        play(&mut peer, &[&send], &expect, ends).await;
        for pieces in each_split(&send) {
            let mut peer = Peer::in_memory_codec(&server, codec).await;
            println!("{name} in pieces of {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
            play(&mut peer, &pieces, &expect, ends).await;
        }
    }
    no_call_is_left(&server);
}

async fn play(peer: &mut Peer, pieces: &[&[u8]], expect: &[u8], ends: &Ends) {
    peer.send_pieces(pieces).await;
    if *ends == Ends::Peer {
        peer.half_close().await;
    }
    peer.expect(expect).await;
    if *ends == Ends::Open {
        peer.half_close().await;
    }
    peer.expect_closed().await;
}

/// Whatever was thrown at it, the server has counted every call to its end.
pub(crate) fn no_call_is_left(server: &TestServer) {
    for method in server.snapshot().methods {
        let name = format!("{}.{}", method.service, method.method);
        assert_eq!(method.stats.in_flight(), 0, "calls of {name} in flight");
    }
}
