//! The login of `/auth` paths: CRAM-MD5 in two requests, small, soon, and nothing else before it.

use crate::{clock::pass, gob::OF_GO};
use rpcwrap::{
    Config, Credentials,
    codecs::{Limits, cram_md5, gob::ReplyDecoder},
};
use rpcwrap_tests::{
    raw::{CONNECTED, Peer, bson_request, document, json_request, opening},
    server::{TestServer, start},
    services::services,
};
use std::{fs, time::Duration};
use tokio::time::Instant;

const FAILED: &str = "authentication error: authentication failed";
const CHALLENGE: &str = "{\"method\":\"AuthenticatorCRAMMD5.GetNewChallenge\",\"params\":[\"\"],\"id\":0}\n";

fn users() -> Credentials {
    Credentials::new([("ala", vec!["ma kota", "kot2"]), ("ola", vec!["p"])])
}

async fn server() -> TestServer {
    start(services().credentials(users())).await
}

fn authenticate(proof: &str, id: u64) -> String {
    json_request("AuthenticatorCRAMMD5.Authenticate", &format!("{{\"Proof\":\"{proof}\"}}"), id)
}

async fn challenge(peer: &mut Peer) -> String {
    peer.send(CHALLENGE).await;
    let reply = peer.read_json().await;
    assert!(reply["error"].is_null(), "{reply}");
    reply["result"]["Challenge"].as_str().unwrap().to_owned()
}

async fn connect(server: &TestServer) -> Peer {
    Peer::connect(server.addr).await.handshake("/_json_rpc_/auth").await
}

/// A JSON connection on which `user` has logged in.
pub(crate) async fn login(server: &TestServer, user: &str, secret: &str) -> Peer {
    let mut peer = connect(server).await;
    log_in(&mut peer, user, secret).await;
    peer
}

/// The dialog of a JSON connection.
async fn log_in(peer: &mut Peer, user: &str, secret: &str) {
    let challenge = challenge(peer).await;
    peer.send(authenticate(&cram_md5::proof(user, secret, &challenge), 1)).await;
    peer.expect("{\"id\":1,\"result\":{},\"error\":null}\n").await;
}

#[tokio::test]
async fn each_secret_of_a_user_logs_in() {
    let server = server().await;
    for (user, secret) in [("ala", "ma kota"), ("ala", "kot2"), ("ola", "p")] {
        let mut peer = login(&server, user, secret).await;
        assert_eq!(peer.call("Ctx.Who", "\"\"", 2).await["result"], format!("go_rpc json {user}"));
        // The dialog is over.
        let reply = peer.call("AuthenticatorCRAMMD5.GetNewChallenge", "\"\"", 3).await;
        assert_eq!(reply["error"], "rpc: can't find service AuthenticatorCRAMMD5.GetNewChallenge");
    }
    let mut plain = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(plain.call("Ctx.Who", "\"\"", 1).await["result"], "go_rpc json -");
    assert_eq!(server.snapshot().server.logins, 3);
}

#[tokio::test]
async fn every_failed_login_has_one_text_and_closes() {
    let server = server().await;
    for n in 0..6 {
        let mut peer = connect(&server).await;
        let challenge = challenge(&mut peer).await;
        let right = cram_md5::proof("ala", "ma kota", &challenge);
        let proof = [
            cram_md5::proof("ala", "p", &challenge),
            cram_md5::proof("bob", "ma kota", &challenge),
            right.to_uppercase().replacen("ALA", "ala", 1),
            right.replace(' ', ""),
            String::new(),
            cram_md5::proof("ala", "ma kota", "another challenge"),
        ][n]
            .clone();
        peer.send(authenticate(&proof, 1)).await;
        peer.expect(format!("{{\"id\":1,\"result\":null,\"error\":\"{FAILED}\"}}\n")).await;
        peer.expect_closed().await;
    }
    assert_eq!(server.snapshot().server.login_failures, 6);
}

#[tokio::test]
async fn a_proof_before_its_challenge_is_refused_and_allows_one_more_request() {
    let server = server().await;
    let mut peer = connect(&server).await;
    peer.send(authenticate("ala 0", 1)).await;
    peer.expect(format!("{{\"id\":1,\"result\":null,\"error\":\"{FAILED}\"}}\n")).await;
    let challenge = challenge(&mut peer).await;
    // The two are used up: a third is not answered, however right.
    peer.try_send(authenticate(&cram_md5::proof("ala", "ma kota", &challenge), 2)).await.ok();
    peer.expect_closed().await;
}

#[tokio::test]
async fn any_other_call_before_the_login_closes_the_connection() {
    let server = server().await;
    for (method, args, text) in [
        ("Arith.Multiply", "{}", Some("rpc: can't find service Arith.Multiply")),
        ("AuthenticatorCRAMMD5.Nope", "{}", Some("rpc: can't find method AuthenticatorCRAMMD5.Nope")),
        ("nodot", "{}", Some("rpc: service/method request ill-formed: nodot")),
        ("AuthenticatorCRAMMD5.GetNewChallenge", "5", None),
    ] {
        let mut peer = connect(&server).await;
        let reply = peer.call(method, args, 1).await;
        let error = reply["error"].as_str().unwrap();
        assert!(text.is_none_or(|text| text == error) && !error.is_empty(), "{reply}");
        peer.expect_closed().await;
    }
    let mut garbage = connect(&server).await;
    garbage.send("garbage\n").await;
    garbage.expect_closed().await;
}

#[tokio::test]
async fn a_login_in_bson_has_the_dialog_of_json() {
    let server = server().await;
    let mut peer = Peer::connect(server.addr).await.handshake("/_bson_rpc_/auth").await;
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], &[0], text.as_bytes()].concat();
    peer.send(bson_request(
        "AuthenticatorCRAMMD5.GetNewChallenge",
        1,
        &document(&[&b"\x05_Val_\0"[..], &text("")].concat()),
    ))
    .await;
    peer.read_bson_frame().await;
    let body = peer.read_bson_frame().await;
    let before = b"\x05Challenge\0....\0".len() + 4;
    let challenge = String::from_utf8(body[before..body.len() - 1].to_vec()).unwrap();
    let proof = cram_md5::proof("ola", "p", &challenge);
    let call = bson_request("Echo.Int", 3, &document(b"\x10_Val_\0\x05\0\0\0"));
    let proof = bson_request(
        "AuthenticatorCRAMMD5.Authenticate",
        2,
        &document(&[&b"\x05Proof\0"[..], &text(&proof)].concat()),
    );
    // The first call comes right behind the proof.
    peer.send([proof, call].concat()).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"")).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"\x12_Val_\0\x05\0\0\0\0\0\0\0")).await;
}

#[tokio::test]
async fn calls_right_behind_the_proof_are_served() {
    let server = server().await;
    let mut peer = connect(&server).await;
    let challenge = challenge(&mut peer).await;
    let proof = cram_md5::proof("ala", "kot2", &challenge);
    let calls: String = (2..100).map(|id| json_request("Echo.Int", &id.to_string(), id)).collect();
    peer.send(authenticate(&proof, 1) + &calls).await;
    peer.expect("{\"id\":1,\"result\":{},\"error\":null}\n").await;
    for id in 2..100 {
        peer.expect(format!("{{\"id\":{id},\"result\":{id},\"error\":null}}\n")).await;
    }
    // And the opening may hold the first request of the dialog.
    let mut peer = Peer::connect(server.addr).await;
    peer.send([opening("/_json_rpc_/auth"), CHALLENGE.into()].concat()).await;
    peer.expect(CONNECTED).await;
    assert!(peer.read_json().await["result"]["Challenge"].is_string());
}

#[tokio::test]
async fn peers_without_a_login_have_limits_of_size_and_time() {
    let login_timeout = Duration::from_millis(500);
    let config = Config::default().login_timeout(login_timeout);
    let server = start(services().credentials(users()).config(config)).await;
    // A message of more than 4 KiB.
    let mut large = connect(&server).await;
    large.send(format!("{{\"method\":\"{}", "x".repeat(5000))).await;
    large.expect_closed().await;
    let mut large = Peer::connect(server.addr).await.handshake("/_bson_rpc_/auth").await;
    large.send(8192_i32.to_le_bytes()).await;
    large.expect_closed().await;
    // A dialog that does not end.
    for bytes in ["", "{", CHALLENGE] {
        let started = Instant::now();
        let mut slow = connect(&server).await;
        slow.send(bytes).await;
        if bytes == CHALLENGE {
            slow.read_json().await;
        }
        slow.expect_closed().await;
        assert!(started.elapsed() >= login_timeout, "after {:?}", started.elapsed());
    }
    // Those who got in have no such limits.
    let mut peer = Peer::in_memory(&server).handshake("/_json_rpc_/auth").await;
    log_in(&mut peer, "ala", "ma kota").await;
    pass(Duration::from_secs(60)).await;
    let text = "x".repeat(100_000);
    assert_eq!(peer.call("Echo.String", &format!("\"{text}\""), 2).await["result"], text);
}

#[tokio::test]
async fn a_reload_counts_for_the_next_login() {
    let path = std::env::temp_dir().join(format!("rpcwrap-it-users-{}.json", std::process::id()));
    fs::write(&path, r#"{"ala": ["old"]}"#).unwrap();
    let server = start(services().credentials(Credentials::from_file(&path).unwrap())).await;
    let mut before = login(&server, "ala", "old").await;
    fs::write(&path, r#"{"ala": ["new"]}"#).unwrap();
    server.reload_credentials().unwrap();
    login(&server, "ala", "new").await;
    let mut refused = connect(&server).await;
    let challenge = challenge(&mut refused).await;
    refused.send(authenticate(&cram_md5::proof("ala", "old", &challenge), 1)).await;
    assert_eq!(refused.read_json().await["error"], FAILED);
    assert_eq!(before.call("Echo.Int", "5", 2).await["result"], 5, "who is in stays in");
    fs::write(&path, "{").unwrap();
    assert!(server.reload_credentials().is_err());
    login(&server, "ala", "new").await;
    fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn without_users_there_is_no_auth_path() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(opening("/_json_rpc_/auth")).await;
    assert!(peer.read_to_end().await.starts_with(b"HTTP/1.0 404 Not Found\r\n"));
}

/// Without CONNECT there is no path to ask for the login with: where one is required, nothing can be called.
#[tokio::test]
async fn raw_connections_cannot_log_in() {
    let server = start(services().credentials(users()).require_login()).await;
    let mut json = Peer::connect(server.addr).await;
    json.send(json_request("Arith.Multiply", r#"{"A":7,"B":8}"#, 1)).await;
    let refusal = json.read_json().await;
    let text = "rpc: Arith.Multiply needs an authenticated connection";
    assert_eq!((refusal["result"].is_null(), refusal["error"].as_str()), (true, Some(text)));
    let mut gob = Peer::connect(server.addr).await;
    gob.send(OF_GO).await;
    let mut decoder = ReplyDecoder::new(Limits::default());
    let refusal = gob.read_message(|buf| decoder.decode(buf)).await;
    assert_eq!(refusal.error().map(|error| error.text.as_str()), Some(text));
}
