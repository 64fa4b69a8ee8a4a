//! Who may call: the proof in the first message, checked before anything is called.

use super::demo::{HEAD, call, demo, head, outcome, read_reply, request};
use rpcwrap::{
    Access, Builder, Context, Credentials, RawCall, RawReply, Service, codecs::baidu_std::RequestHead,
};
use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::start,
};

const WHO: RequestHead<'static> = RequestHead { service_name: "Who", method_name: "AmI", ..HEAD };
const ALA: RequestHead<'static> = RequestHead { authentication_data: b"ala:ma kota", ..WHO };

fn users() -> Builder {
    let am_i = |cx: Context, _: RawCall| async move {
        Ok(RawReply::new(cx.user().unwrap_or("anonymous").to_owned()))
    };
    let who = || Service::new("Who").method("AmI", am_i);
    let inside = Service::new("Inside").method("AmI", am_i).access(Access::new().authenticated());
    let others = Service::new("Others").method("AmI", am_i).access(Access::new().users(["ola"]));
    demo()
        .service(who())
        .service(inside)
        .service(others)
        .credentials(Credentials::new([("ala", ["ma kota"])]))
}

#[tokio::test]
async fn the_first_message_says_who_calls() {
    let server = start(users()).await;
    let first = request(&ALA, b"");
    for pieces in each_split(&first) {
        let mut peer = Peer::in_memory(&server);
        peer.send_pieces(&pieces).await;
        let reply = read_reply(&mut peer).await;
        assert_eq!(outcome(&reply).unwrap().body, &b"ala"[..]);
        // Once is enough.
        assert_eq!(call(&mut peer, &head("Inside", "AmI", 2), b"").await.unwrap().body, &b"ala"[..]);
        let denied = (1004, "[E1004]rpc: ala may not call Others.AmI".to_owned());
        assert_eq!(call(&mut peer, &head("Others", "AmI", 3), b"").await, Err(denied));
    }
}

#[tokio::test]
async fn a_peer_without_a_proof_calls_only_what_is_open_to_all() {
    let server = start(users()).await;
    let mut peer = Peer::connect(server.addr).await;
    assert_eq!(call(&mut peer, &WHO, b"").await.unwrap().body, &b"anonymous"[..]);
    let error = (1004, "[E1004]rpc: Inside.AmI needs an authenticated connection".to_owned());
    assert_eq!(call(&mut peer, &head("Inside", "AmI", 2), b"").await, Err(error.clone()));
    // A proof that comes later is no proof: bRPC looks at the first message only.
    let late = RequestHead { service_name: "Inside", ..ALA };
    assert_eq!(call(&mut peer, &late, b"").await, Err(error));

    let server = start(users().require_login()).await;
    let mut peer = Peer::connect(server.addr).await;
    assert_eq!(call(&mut peer, &WHO, b"").await.unwrap_err().0, 1004);
    let mut peer = Peer::connect(server.addr).await;
    assert_eq!(call(&mut peer, &ALA, b"").await.unwrap().body, &b"ala"[..]);
}

#[tokio::test]
async fn a_wrong_proof_closes_the_connection_before_any_call() {
    let server = start(users()).await;
    let wrong: [&[u8]; 5] = [b"ala:wrong", b"ola:ma kota", b"ala", b":", b"\xff\xfe:x"];
    for authentication_data in wrong {
        let head = RequestHead { authentication_data, ..WHO };
        let bytes = request(&head, b"body");
        let mut peer = Peer::connect(server.addr).await;
        // The body need not have come.
        peer.send(&bytes[..bytes.len() - 4]).await;
        peer.expect_closed().await;
    }
    // A peer without a login cannot make the server keep a large meta.
    let long = "x".repeat(20_000);
    let head = RequestHead { request_id: &long, ..ALA };
    let bytes = request(&head, b"");
    let mut peer = Peer::connect(server.addr).await;
    peer.try_send(&bytes[..10_000]).await.ok();
    peer.expect_closed().await;
    let snapshot = server.snapshot();
    assert_eq!((snapshot.server.login_failures, snapshot.server.logins), (5, 0));
    assert!(snapshot.methods.iter().all(|method| method.stats.calls == 0));
}

#[tokio::test]
async fn a_proof_is_not_asked_for_where_there_are_no_users() {
    let server = start(demo()).await;
    let mut peer = Peer::connect(server.addr).await;
    let head = RequestHead { authentication_data: b"anything", ..head("EchoService", "Echo", 7) };
    assert_eq!(call(&mut peer, &head, b"\n\x01a").await.unwrap().body, &b"\n\x01a"[..]);
}
