//! From an address to a client: what is sent, what is accepted, and what is not.

use crate::peer::{Peer, run, run_paused};
use codecs::{AnyCodec, BsonDialect, cram_md5};
use futures_util::FutureExt;
use rpcwrap_client::{Config, DialError, Error, dial_auth_http, dial_http, dial_http_path};
use std::{error::Error as _, time::Duration};
use tokio::{
    io::AsyncReadExt,
    join,
    net::{TcpListener, TcpStream, UnixListener},
};

const OK: &str = "HTTP/1.0 200 Connected to Go RPC\n\n";

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (listener, addr)
}

async fn accept(listener: &TcpListener) -> Peer<TcpStream> {
    Peer { stream: listener.accept().await.unwrap().0 }
}

#[test]
fn connect_then_silence_until_the_answer() {
    run(async {
        let (listener, addr) = listen().await;
        for (codec, path) in
            [(AnyCodec::Json, "/_json_rpc_"), (AnyCodec::Bson(BsonDialect::Auto), "/_bson_rpc_")]
        {
            let serve = async {
                let mut peer = accept(&listener).await;
                peer.expect(format!("CONNECT {path} HTTP/1.0\n\n")).await;
                assert!(peer.stream.read_u8().now_or_never().is_none(), "nothing before the 200");
                peer.send(OK).await;
                peer.expect_fin().await;
            };
            let client = async { drop(dial_http(&addr, codec).await.unwrap()) };
            join!(serve, client);
        }
    });
}

#[test]
fn another_path() {
    run(async {
        let (listener, addr) = listen().await;
        let serve = async {
            let mut peer = accept(&listener).await;
            peer.expect("CONNECT /_goRPC_ HTTP/1.0\n\n").await;
            peer.send(OK).await;
            peer.id().await
        };
        let call = async {
            let client = dial_http_path(&addr, "/_goRPC_", AnyCodec::Json).await.unwrap();
            client.call::<_, i64>("Echo.Int", &1).await.unwrap_err()
        };
        assert!(matches!(join!(serve, call), (0, Error::Io(_))));
    });
}

#[test]
fn anything_but_gos_status_text_is_refused() {
    run(async {
        for (answer, text) in [
            ("HTTP/1.0 404 Not Found\r\n\r\n404 page not found\n", "unexpected HTTP response: 404 Not Found"),
            ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", "unexpected HTTP response: 405 Method Not Allowed"),
            ("HTTP/1.1 200 OK\r\n\r\n", "unexpected HTTP response: 200 OK"),
            ("hi\n\n", "malformed HTTP response: invalid HTTP version"),
            ("HTTP/1.0 200 Conn", "connection lost during the handshake"),
            ("", "connection lost during the handshake"),
        ] {
            let (ours, theirs) = tokio::io::duplex(1000);
            let mut peer = Peer { stream: theirs };
            peer.send(answer).await;
            let serve = async {
                peer.expect("CONNECT /_json_rpc_ HTTP/1.0\n\n").await;
                drop(peer);
            };
            let (dialled, ()) = join!(Config::default().dial_over(ours, AnyCodec::Json), serve);
            assert_eq!(dialled.unwrap_err().to_string(), text);
        }
    });
}

#[test]
fn bytes_that_come_with_the_answer_belong_to_the_codec() {
    run(async {
        let early = "{\"id\":9,\"result\":0,\"error\":null}\n{\"id\":0,\"resu";
        for cut in 0..early.len() {
            let (ours, theirs) = tokio::io::duplex(1000);
            let mut peer = Peer { stream: theirs };
            peer.send(OK.to_owned() + &early[..cut]).await;
            let client = Config::default().dial_over(ours, AnyCodec::Json).await.unwrap();
            let serve = async {
                peer.expect("CONNECT /_json_rpc_ HTTP/1.0\n\n").await;
                peer.id().await;
                peer.send(&early[cut..]).await;
                peer.send("lt\":5,\"error\":null}").await;
            };
            assert_eq!(join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap(), 5, "cut at {cut}");
        }
    });
}

#[test]
fn the_time_limit_covers_the_answer_and_the_login() {
    run_paused(async {
        let (listener, addr) = listen().await;
        let config = Config::default().connect_timeout(Duration::from_millis(300));
        for (words, missing) in
            [("", "CONNECT"), ("HTTP/1.0 200 Connected to Go RPC\n", "CONNECT"), (OK, "the login")]
        {
            let serve = async {
                let mut peer = accept(&listener).await;
                peer.send(words).await;
                let mut rest = Vec::new();
                peer.stream.read_to_end(&mut rest).await.unwrap();
            };
            let dialled = config.clone().dial_auth_http(&addr, AnyCodec::Json, "ala", "kot2");
            let error = join!(dialled, serve).0.unwrap_err();
            assert!(matches!(error, DialError::Timeout { .. }), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!("no connection to {addr} within 300 ms: no answer to {missing}")
            );
        }
    });
}

#[test]
fn an_address_without_a_server() {
    run(async {
        let (listener, addr) = listen().await;
        drop(listener);
        for addr in [addr.as_str(), "no port", "unix:/nowhere/at/all"] {
            let error = dial_http(addr, AnyCodec::Json).await.unwrap_err();
            assert!(matches!(error, DialError::Connect { .. }), "{error:?}");
            assert_eq!(error.to_string(), format!("cannot connect to {addr}"));
            assert!(error.source().is_some());
        }
    });
}

#[test]
fn a_unix_socket() {
    run(async {
        let path = std::env::temp_dir().join(format!("rpcwrap-client-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let serve = async {
            let mut peer = Peer { stream: listener.accept().await.unwrap().0 };
            peer.expect("CONNECT /_json_rpc_ HTTP/1.0\n\n").await;
            peer.send(OK).await;
            let id = peer.id().await;
            peer.answer(id, "5").await;
            peer.expect_fin().await;
        };
        let call = async {
            let client = dial_http(&format!("unix:{}", path.display()), AnyCodec::Json).await.unwrap();
            assert_eq!(client.call::<_, i64>("Echo.Int", &5).await.unwrap(), 5);
        };
        join!(serve, call);
        std::fs::remove_file(&path).unwrap();
    });
}

/// A server's side of the login, up to its verdict.
async fn challenge(peer: &mut Peer<TcpStream>, user: &str, secret: &str) {
    peer.expect("CONNECT /_json_rpc_/auth HTTP/1.0\n\n").await;
    peer.send(OK).await;
    let ask = r#"{"method":"AuthenticatorCRAMMD5.GetNewChallenge","params":[""],"id":0}"#;
    assert_eq!(peer.line().await, ask);
    peer.answer(0, r#"{"Challenge":"\u003c1612147584.1795392412@vm\u003e"}"#).await;
    let proof = cram_md5::proof(user, secret, "<1612147584.1795392412@vm>");
    let answer = format!(
        r#"{{"method":"AuthenticatorCRAMMD5.Authenticate","params":[{{"Proof":"{proof}"}}],"id":1}}"#
    );
    assert_eq!(peer.line().await, answer);
}

#[test]
fn a_login_is_the_first_two_calls() {
    run(async {
        let (listener, addr) = listen().await;
        let serve = async {
            let mut peer = accept(&listener).await;
            challenge(&mut peer, "ala", "ma kota").await;
            peer.answer(1, "{}").await;
            assert_eq!(peer.line().await, r#"{"method":"Ctx.Who","params":[""],"id":2}"#);
            peer.answer(2, "\"ala\"").await;
        };
        let call = async {
            let client = dial_auth_http(&addr, AnyCodec::Json, "ala", "ma kota").await.unwrap();
            assert_eq!(client.call::<_, String>("Ctx.Who", "").await.unwrap(), "ala");
        };
        join!(serve, call);
    });
}

#[test]
fn a_refused_login_says_so() {
    run(async {
        let (listener, addr) = listen().await;
        let serve = async {
            let mut peer = accept(&listener).await;
            challenge(&mut peer, "ala", "wrong").await;
            peer.fail(1, cram_md5::FAILED).await;
        };
        let (dialled, ()) = join!(dial_auth_http(&addr, AnyCodec::Json, "ala", "wrong"), serve);
        let error = dialled.unwrap_err();
        assert!(matches!(error, DialError::Login(Error::Server { .. })), "{error:?}");
        assert_eq!(error.source().unwrap().to_string(), cram_md5::FAILED);
    });
}
