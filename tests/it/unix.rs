//! Unix sockets: the same server behind a path.

use crate::hostile::windows::goes_behind_a_full_window;
use rpcwrap::{Context, ListenAddr, Service};
use rpcwrap_tests::{
    limit,
    raw::Peer,
    services::{Gate, services},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

fn socket(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rpcwrap-it-{}-{name}.sock", std::process::id()));
    let _ = fs::remove_file(&path);
    path
}

fn address(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test]
async fn a_unix_socket_serves_from_the_opening_to_the_drain() {
    let path = socket("whole");
    let who = |cx: Context, (): ()| async move { Ok(cx.peer_addr().to_string()) };
    let server = services().service(Service::new("Peer").method("Who", who)).build().unwrap();
    assert_eq!(server.listen(&address(&path)).await.unwrap(), ListenAddr::Unix(path.as_path().into()));
    let mut peer = Peer::connect_unix(&path).await.handshake("/_json_rpc_").await;
    assert_eq!(peer.call("Arith.Multiply", "{\"A\":6,\"B\":7}", 1).await["result"], 42);
    assert_eq!(peer.call("Peer.Who", "null", 2).await["result"], address(&path));
    assert_eq!(limit(server.drain(Duration::from_secs(600))).await.cut, 0);
    peer.expect_closed().await;
    assert!(!path.exists(), "the socket file is gone");
}

#[tokio::test]
async fn a_socket_file_without_a_listener_is_replaced() {
    let path = socket("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = services().build().unwrap();
    server.listen(&address(&path)).await.unwrap();
    let mut peer = Peer::connect_unix(&path).await.handshake("/_json_rpc_").await;
    assert_eq!(peer.call("Echo.Int", "5", 1).await["result"], 5);
    // A server listens on it now: not to be taken away.
    let error = services().build().unwrap().listen(&address(&path)).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", address(&path))), "{error}");
    assert_eq!(peer.call("Echo.Int", "6", 2).await["result"], 6);
    server.drain(Duration::from_secs(600)).await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let path = socket("file");
    fs::write(&path, "precious").unwrap();
    let server = services().build().unwrap();
    assert!(server.listen(&address(&path)).await.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
}

/// It is not read while it has all the calls that it may, and its close stands behind more of them.
#[tokio::test]
async fn handlers_go_with_a_peer_that_closes_behind_a_full_window() {
    let (path, gate) = (socket("window"), Gate::default());
    let server = services().service(gate.service()).build().unwrap();
    server.listen(&address(&path)).await.unwrap();
    let peer = Peer::connect_unix(&path).await.handshake("/_json_rpc_").await;
    goes_behind_a_full_window(peer, &gate, &server).await;
}
