//! Memory of large messages, which goes back to the system when they are done, whether or not a connection closes.

use super::MIB;
use crate::{
    baidu_std::demo::{HEAD, request},
    program::Program,
};
use rpcwrap::codecs::{baidu_std::RequestHead, body::ContentType};
use rpcwrap_tests::{raw::Peer, until, within};
use std::time::Duration;

/// Bytes of each message, and how many.
const MESSAGE: usize = 30_000_000;
const MESSAGES: i64 = 8;
/// What may stay of them.
const MOST: u64 = 32 * MIB;

#[tokio::test]
async fn memory_of_large_messages_is_given_back_while_connections_stay() {
    let program = Program::daemon(&[]).await;
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(Peer::connect(program.addr).await);
    }
    let text = [b"\"", &vec![b'x'; MESSAGE][..], b"\""].concat();
    let head =
        RequestHead { service_name: "Echo", method_name: "Say", content_type: ContentType::Json, ..HEAD };
    let ask = async |peer: &mut Peer, id, body: &[u8]| {
        let request = request(&RequestHead { correlation_id: id, ..head }, body);
        within(Duration::from_secs(60), peer.send(request)).await;
        let mut header = [0; 12];
        peer.try_read_exact(&mut header).await.unwrap();
        let len = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        assert!(len >= body.len(), "{len}");
        peer.try_read_exact(&mut vec![0; len]).await.unwrap();
    };
    for peer in &mut peers {
        ask(peer, 0, b"\"hi\"").await;
    }
    let before = program.resident_bytes();
    for id in 1..=MESSAGES {
        let peer = &mut peers[(id % 2) as usize];
        ask(peer, id, &text).await;
    }
    // Then they are silent.
    until(|| program.resident_bytes() < before + MOST).await;
    for peer in &mut peers {
        ask(peer, 99, b"\"hi\"").await;
    }
    drop(peers);
    program.end_quietly().await;
}
