//! Peers that mean no good, against the server program in a process of its own, so that its memory is its own.

mod announced;
mod malformed;

use crate::program::Program;
use rpcwrap_tests::raw::{Peer, bson_request, document};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const MIB: u64 = 1 << 20;

/// Calls without end until told, on one connection and on new ones; how many.
async fn good_client(program: Arc<Program>, over: Arc<AtomicBool>) -> u64 {
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        for id in calls..calls + 50 {
            let reply = peer.call("Arith.Multiply", &format!("{{\"A\":{id},\"B\":2}}"), id).await;
            assert_eq!((&reply["id"], &reply["result"]), (&id.into(), &(id * 2).into()));
        }
        calls += 50;
        let mut new = Peer::connect_codec(program.addr, "bson").await;
        new.send(bson_request("Echo.Say", 1, &document(b"\x05_Val_\0\x02\0\0\0\0hi"))).await;
        new.read_bson_frame().await;
        new.expect(document(b"\x05_Val_\0\x02\0\0\0\0hi")).await;
    }
    calls
}
