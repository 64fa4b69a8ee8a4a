//! One connector for many connections: what it sends, its steps one by one, and what it says when one fails.

use crate::{
    ours::CODECS,
    peer::{Peer, run, run_paused},
};
use bytes::BytesMut;
use codecs::{BsonDialect, CallOptions, cram_md5};
use rpcwrap::{Context, Credentials, Server};
use rpcwrap_client::{
    AnyCodec, Config, Connector, DialError, Error, Step, baidu_std,
    connect::{Connected, Stream},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    join,
    net::TcpListener,
};

const OK: &str = "HTTP/1.0 200 Connected to Go RPC\n\n";

#[test]
fn connectors_go_from_task_to_task() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Connector>();
    check::<Connector<baidu_std::Client>>();
}

#[test]
fn secrets_are_not_shown() {
    let go = Connector::new(AnyCodec::Json).login("ala", "ma kota");
    let other = Connector::baidu_std().authentication_data("ma kota");
    for text in [format!("{go:?}"), format!("{other:?}")] {
        assert!(!text.contains("kota") && !text.contains("109, 97"), "{text}");
    }
    assert!(format!("{go:?}").contains("ala"));
}

#[test]
fn every_kind_of_greeting() {
    let json = || Connector::new(AnyCodec::Json);
    for (connector, greeting) in [
        (json(), "CONNECT /_json_rpc_ HTTP/1.0\n\n"),
        (Connector::new(AnyCodec::Gob), "CONNECT /_goRPC_ HTTP/1.0\n\n"),
        (Connector::new(AnyCodec::Bson(BsonDialect::Auto)), "CONNECT /_bson_rpc_ HTTP/1.0\n\n"),
        (json().path("/_goRPC_"), "CONNECT /_goRPC_ HTTP/1.0\n\n"),
        (json().without_connect(), ""),
        (json().login("ala", "x"), "CONNECT /_json_rpc_/auth HTTP/1.0\n\n"),
        (json().login("ala", "x").path("/other"), "CONNECT /other HTTP/1.0\n\n"),
    ] {
        run(async {
            let (ours, mut theirs) = tokio::io::duplex(1000);
            let dialling =
                connector.config(Config::default().connect_timeout(Duration::ZERO)).over(ours).await;
            assert_eq!(dialling.is_ok(), greeting.is_empty(), "{dialling:?}");
            drop(dialling);
            let mut sent = String::new();
            theirs.read_to_string(&mut sent).await.unwrap();
            assert_eq!(sent, greeting);
        });
    }
}

#[test]
fn one_connector_for_several_servers_at_once() {
    let server = |name: &'static str| {
        Server::builder().method("Who.Am", move |_: ()| async move { Ok(name.to_owned()) }).build().unwrap()
    };
    run(async {
        let (first, second) = (server("first"), server("second"));
        let addrs = [
            first.listen("127.0.0.1:0").await.unwrap().to_string(),
            second.listen("127.0.0.1:0").await.unwrap().to_string(),
        ];
        let connector = Connector::new(AnyCodec::Gob);
        let calling = (0..10).map(|number: usize| {
            let (connector, addr) = (connector.clone(), addrs[number % 2].clone());
            tokio::spawn(async move {
                let client = connector.connect(&addr).await.unwrap();
                client.call::<_, String>("Who.Am", &()).await.unwrap()
            })
        });
        for (number, called) in calling.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(called.await.unwrap(), ["first", "second"][number % 2]);
        }
    });
}

/// Lets the login in; the bytes that follow the last answer of it.
async fn let_in(peer: &mut Peer<DuplexStream>, early: &str, cut: usize) {
    peer.expect("CONNECT /_json_rpc_/auth HTTP/1.0\n\n").await;
    peer.send(OK).await;
    assert!(peer.line().await.contains(cram_md5::GET_NEW_CHALLENGE));
    peer.answer(0, "{\"Challenge\":\"<1.2@vm>\"}").await;
    assert!(peer.line().await.contains(cram_md5::AUTHENTICATE));
    let all = format!("{{\"id\":1,\"result\":{{}},\"error\":null}}\n{early}");
    peer.send(&all[..cut]).await;
    tokio::task::yield_now().await;
    peer.send(&all[cut..]).await;
}

#[test]
fn what_is_left_of_a_login_is_handed_over() {
    let early = "{\"id\":2,\"resu";
    let connector = Connector::new(AnyCodec::Json).login("ala", "ma kota");
    for cut in 0..early.len() {
        run(async {
            let (ours, theirs) = tokio::io::duplex(1000);
            let mut peer = Peer { stream: theirs };
            let serve = async {
                let_in(&mut peer, early, cut).await;
                assert_eq!(peer.line().await, r#"{"method":"A.B","params":[1],"id":2}"#);
                peer.send("lt\":5,\"error\":null}").await;
            };
            let call = async {
                let client = connector.over(ours).await.unwrap();
                assert_eq!(client.call::<_, i64>("A.B", &1).await.unwrap(), 5, "cut at {cut}");
            };
            join!(serve, call);
        });
    }
}

fn guarded() -> Server {
    let credentials = Credentials::new([("ala", ["ma kota"])]);
    let whoami = |cx: Context, _: String| async move { Ok(cx.user().unwrap_or("no user").to_owned()) };
    Server::builder().credentials(credentials).method("Who.Am", whoami).build().unwrap()
}

#[test]
fn every_codec_goes_on_behind_a_login() {
    for codec in CODECS {
        run(async {
            let server = guarded();
            let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
            let connector = Connector::new(codec.clone()).login("ala", "ma kota");
            let client = connector.connect(&addr).await.unwrap();
            for _ in 0..2 {
                assert_eq!(client.call::<_, String>("Who.Am", "").await.unwrap(), "ala", "{codec:?}");
            }
        });
    }
}

#[test]
fn a_program_can_go_on_by_itself() {
    for codec in CODECS {
        run(async {
            let server = guarded();
            let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
            let connector = Connector::new(codec.clone()).login("ala", "ma kota");
            let reached = connector.reach(&addr).await.unwrap();
            assert!(matches!(reached.stream, Stream::Tcp(_)) && reached.secured.is_none());
            assert!(reached.connected > Duration::ZERO);
            let connected = connector.prepare(reached).await.unwrap();
            let Connected { stream, mut prefix, mut writer, mut reader, next_seq, .. } = connected;
            assert_eq!(next_seq, 2);
            // Out of tokio and into it again.
            let socket = std::net::TcpStream::from(stream.into_std().unwrap());
            let mut stream = tokio::net::TcpStream::from_std(socket).unwrap();
            let mut request = BytesMut::new();
            writer.encode(next_seq, "Who.Am", CallOptions::default(), "", None, &mut request).unwrap();
            stream.write_all(&request).await.unwrap();
            let reply = loop {
                match reader.decode(&mut prefix).unwrap() {
                    Some(reply) => break reply,
                    None => assert!(stream.read_buf(&mut prefix).await.unwrap() > 0),
                }
            };
            assert_eq!((reply.seq(), reader.body::<String>(&reply).unwrap()), (2, "ala".into()), "{codec:?}");
        });
    }
}

#[test]
fn a_stream_can_be_wrapped_between_the_steps() {
    run(async {
        let server = guarded();
        let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
        let connector = Connector::new(AnyCodec::Json);
        let reached = connector.reach(&addr).await.unwrap().map(tokio::io::BufReader::new);
        let client = connector.start(connector.prepare(reached).await.unwrap());
        assert_eq!(client.call::<_, String>("Who.Am", "").await.unwrap(), "no user");
    });
}

#[test]
fn a_time_limit_says_at_which_step_it_was_over() {
    run_paused(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let config = Config::default().connect_timeout(Duration::from_millis(300));
        let connector = Connector::new(AnyCodec::Json).login("ala", "kot").config(config);
        for (words, step) in [("", Step::Handshake), ("HTTP/1.0 200", Step::Handshake), (OK, Step::Login)] {
            let serve = async {
                let mut stream = listener.accept().await.unwrap().0;
                stream.write_all(words.as_bytes()).await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
            };
            let error = join!(connector.connect(&addr), serve).0.unwrap_err();
            assert!(matches!(error, DialError::Timeout { .. }), "{error:?}");
            assert_eq!((error.step(), error.is_refused()), (step, false), "{words:?}");
        }
    });
}

#[test]
fn a_refusal_says_at_which_step_it_was() {
    run(async {
        let server = guarded();
        let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = listener.local_addr().unwrap().to_string();
        drop(listener);
        let json = || Connector::new(AnyCodec::Json);
        for (connector, addr, step) in [
            (json(), &gone, Step::Connect),
            (json(), &"unix:/nowhere/at/all".to_owned(), Step::Connect),
            (json().path("/_no_rpc_"), &addr, Step::Handshake),
            (json().login("ala", "wrong"), &addr, Step::Login),
            (json().login("ala", "ma kota").path("/_json_rpc_"), &addr, Step::Login),
        ] {
            let error = connector.connect(addr).await.unwrap_err();
            assert_eq!((error.step(), error.is_refused()), (step, true), "{error:?}");
        }
    });
}

#[test]
fn a_login_keeps_to_the_time_of_a_call() {
    run_paused(async {
        let (ours, theirs) = tokio::io::duplex(1000);
        let mut peer = Peer { stream: theirs };
        let config = Config::default().call_timeout(Some(Duration::from_millis(40)));
        let connector = Connector::new(AnyCodec::Json).login("ala", "kot").config(config);
        let serve = async {
            peer.expect("CONNECT /_json_rpc_/auth HTTP/1.0\n\n").await;
            peer.send(OK).await;
            let ask = r#"{"method":"AuthenticatorCRAMMD5.GetNewChallenge","params":[""],"id":0,"timeout":40,"details":true}"#;
            assert_eq!(peer.line().await, ask);
            peer.expect_fin().await;
        };
        let error = join!(connector.over(ours), serve).0.unwrap_err();
        assert!(matches!(error, DialError::Login(Error::Timeout { sent: true, .. })), "{error:?}");
    });
}
