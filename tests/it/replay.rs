//! Recorded exchanges, replayed whole, cut in two at every byte, and one byte at a time.

use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::{TestServer, start},
    services::services,
    until,
};
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

/// Replays every exchange of `data`, whose texts `bytes` turns into what was on the wire.
pub(crate) async fn replay(codec: &str, data: &str, bytes: impl Fn(&str) -> Vec<u8>) {
    let server = start(services()).await;
    let exchanges: Vec<Exchange> = serde_json::from_str(data).unwrap();
    assert!(exchanges.len() > 50);
    let mut wrong = Vec::new();
    for Exchange { name, send, expect, ends } in &exchanges {
        let (send, expect) = (bytes(send), bytes(expect));
        for pieces in each_split(&send) {
            let mut peer = Peer::in_memory_codec(&server, codec).await;
            peer.send_pieces(&pieces).await;
            if *ends != Ends::Server {
                peer.half_close().await;
            }
            let got = peer.read_to_end().await;
            if got != expect {
                let sizes: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
                let (expect, got) = (expect.escape_ascii(), got.escape_ascii());
                wrong.push(format!("{name} in pieces of {sizes:?}\nwanted {expect}\n   got {got}"));
                break;
            }
        }
        // Over a real socket, and without the peer's help where it stays open.
        let mut peer = Peer::connect_codec(server.addr, codec).await;
        peer.send(&send).await;
        if *ends == Ends::Peer {
            peer.half_close().await;
        }
        if wrong.is_empty() {
            peer.expect(&expect).await;
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), exchanges.len(), wrong.join("\n"));
    until(|| server.snapshot().server.connections == 0).await;
    no_call_is_left(&server);
}

/// After all that was thrown at it, the server has counted every call to its end.
pub(crate) fn no_call_is_left(server: &TestServer) {
    for method in server.snapshot().methods {
        let name = format!("{}.{}", method.service, method.method);
        assert_eq!(method.stats.in_flight(), 0, "calls of {name} in flight");
    }
}
