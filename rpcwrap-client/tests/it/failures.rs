//! Servers that break, lie, fall silent or vanish: which error each caller sees, and who is spared.

use crate::peer::{connected, json, run, run_paused, settle};
use codecs::{DecodeError, bson};
use rpcwrap_client::{AnyCodec, BsonDialect, Client, Config, Error};
use serde::{Serialize, Serializer};
use std::{error::Error as _, io, time::Duration};
use tokio::{io::AsyncReadExt, join, net::TcpListener};

/// The error of a call whose server does `serve` once it has the request.
async fn error_of(config: Config, serve: impl AsyncFnOnce(u64) -> Option<String>) -> (Client, Error) {
    let (client, mut peer) = json(config);
    let serve = async {
        let id = peer.id().await;
        if let Some(bytes) = serve(id).await {
            peer.send(bytes).await;
        }
        drop(peer);
    };
    let error = join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap_err();
    (client, error)
}

#[test]
fn a_server_that_goes_fails_calls_in_flight_and_later_ones() {
    run(async {
        for last_words in [None, Some(r#"{"id":0,"result":5"#.to_owned())] {
            let (client, error) = error_of(Config::default(), async |_| last_words).await;
            assert!(error.may_have_executed());
            let Error::Io(source) = &error else { panic!("{error:?}") };
            assert_eq!(source.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(error.source().unwrap().to_string(), "unexpected EOF");
            assert!(client.is_closed());
            let later = client.call::<_, i64>("Echo.Int", &1).await.unwrap_err();
            assert!(matches!(later, Error::Shutdown) && !later.may_have_executed());
            assert_eq!(later.to_string(), "connection is shut down");
            client.close().await;
        }
    });
}

#[test]
fn garbage_ends_the_connection_after_what_was_good() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let serve = async {
            let (first, _second) = (peer.id().await, peer.id().await);
            peer.send(format!("{{\"id\":{first},\"result\":1,\"error\":null}}\nHTTP/1.1 400\r\n\r\n")).await;
            peer.expect_fin().await;
        };
        let (good, bad, ()) =
            join!(client.call::<_, i64>("Echo.Int", &1), client.call::<_, i64>("Echo.Int", &2), serve);
        assert_eq!(good.unwrap(), 1);
        let bad = bad.unwrap_err();
        assert!(matches!(bad, Error::Protocol(DecodeError::Malformed { .. })), "{bad:?}");
        assert!(bad.may_have_executed());
    });
}

#[test]
fn a_huge_reply_is_refused_by_its_length_alone() {
    run(async {
        let (client, mut peer) = connected(AnyCodec::Bson(BsonDialect::Auto), Config::default());
        let serve = async {
            peer.stream.read_u8().await.unwrap();
            peer.send(i32::MAX.to_le_bytes()).await;
            let mut rest = Vec::new();
            peer.stream.read_to_end(&mut rest).await.unwrap();
        };
        let error = join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap_err();
        assert!(matches!(error, Error::Protocol(DecodeError::TooBig { .. })), "{error:?}");
    });
}

#[test]
fn replies_over_the_limits_end_the_connection() {
    run(async {
        let long = format!("\"{}\"", "x".repeat(2000));
        let deep = "[".repeat(20) + &"]".repeat(20);
        for (config, result) in
            [(Config::default().max_message_bytes(1000), long), (Config::default().max_depth(10), deep)]
        {
            let reply = format!("{{\"id\":0,\"result\":{result},\"error\":null}}");
            let (_, error) = error_of(config, async |_| Some(reply)).await;
            assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        }
    });
}

#[test]
fn a_reply_of_another_type_fails_its_call_only() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let serve = async {
            for result in ["\"text\"", "5"] {
                let id = peer.id().await;
                peer.answer(id, result).await;
            }
        };
        let calls = async {
            let error = client.call::<_, i64>("Echo.Int", &1).await.unwrap_err();
            assert!(matches!(error, Error::Decode(_)) && error.may_have_executed(), "{error:?}");
            assert_eq!(client.call::<_, i64>("Echo.Int", &1).await.unwrap(), 5);
        };
        join!(serve, calls);
    });
}

#[test]
fn error_texts_as_the_server_sent_them() {
    run(async {
        let (client, mut peer) = json(Config::default());
        for (error, seen) in [
            ("\"divide by zero\"", "divide by zero"),
            ("\"EOS\"", "EOS"),
            (r#""a \"b\"\n""#, "a \"b\"\n"),
            ("\"\"", "unspecified error"),
            ("\"rpc: server is draining\"", "rpc: server is draining"),
        ] {
            let serve = async {
                let id = peer.id().await;
                peer.send(format!("{{\"id\":{id},\"result\":null,\"error\":{error}}}\n")).await;
            };
            let error = join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap_err();
            assert_eq!(error.to_string(), seen);
            let draining = seen.contains("draining");
            assert_eq!(matches!(error, Error::Draining), draining);
            assert_eq!(matches!(error, Error::Server { .. }), !draining);
            assert_eq!(error.may_have_executed(), !draining);
        }
    });
}

#[test]
fn errors_that_are_no_texts_fail_their_call_only() {
    let document = |inside: &[u8]| [&(inside.len() as u32 + 5).to_le_bytes(), inside, &[0]].concat();
    let seq = |seq: u8| [b"\x12Seq\0", &[seq][..], &[0; 7]].concat();
    let bson_failed = [document(&[&seq(0)[..], b"\x10Error\0\x07\0\0\0"].concat()), document(b"")].concat();
    let bson_fine = [document(&seq(1)), document(b"\x10_Val_\0\x05\0\0\0")].concat();
    run(async {
        for (codec, failed, fine, text, code) in [
            (
                AnyCodec::Json,
                &br#"{"id":0,"error":{"message":"no","code":18446744073709551616}}"#[..],
                &br#"{"id":1,"result":5}"#[..],
                "no",
                "18446744073709551616",
            ),
            (
                AnyCodec::Msgpack,
                b"\x82\xA3Seq\x00\xA5Error\x82\xA4code\x07\xA7message\xA2no\xC0",
                b"\x81\xA3Seq\x01\x05",
                "no",
                "7",
            ),
            (AnyCodec::Bson(BsonDialect::Auto), &bson_failed, &bson_fine, "7", ""),
        ] {
            let (client, mut peer) = connected(codec.clone(), Config::default());
            let serve = async {
                for reply in [failed, fine] {
                    // A whole request is there at once.
                    assert!(peer.stream.read(&mut [0; 1000]).await.unwrap() > 0);
                    peer.send(reply).await;
                }
            };
            let calls = async {
                let error = client.call::<_, i64>("A.B", &1).await.unwrap_err();
                assert_eq!(error.to_string(), text, "{codec:?}");
                assert!(matches!(&error, Error::Server { code: seen, .. } if seen == code), "{error:?}");
                assert_eq!(client.call::<_, i64>("A.B", &1).await.unwrap(), 5, "{codec:?}");
            };
            join!(serve, calls);
        }
    });
}

/// What does not fit says what it is and what was wanted; what a wider type holds is read.
#[test]
fn numbers_beyond_a_type_say_so_and_fit_wider_ones() {
    run(async {
        let (client, mut peer) = json(Config::default());
        let results = ["18446744073709551616", "-9223372036854775809", "7.5", "1e3", "\"7\"", "300"];
        for result in results {
            let serve = async {
                for _ in 0..3 {
                    let id = peer.id().await;
                    peer.answer(id, result).await;
                }
            };
            let calls = async {
                let narrow = client.call::<_, u8>("A.B", &1).await.unwrap_err();
                let signed = client.call::<_, i64>("A.B", &1).await;
                let wide = client.call::<_, i128>("A.B", &1).await;
                (narrow, signed, wide)
            };
            let ((narrow, signed, wide), ()) = join!(calls, serve);
            let found = if result.starts_with('"') { "string".into() } else { format!("number {result}") };
            let text = |wanted| {
                format!(
                    "cannot decode the reply: json: cannot unmarshal {found} into Go value of type {wanted}"
                )
            };
            assert_eq!(narrow.to_string(), text("uint8"));
            match signed {
                Ok(value) => assert_eq!(value.to_string(), result),
                Err(error) => assert_eq!(error.to_string(), text("int")),
            }
            match wide {
                Ok(value) => assert_eq!(value.to_string(), result),
                Err(error) => assert_eq!(error.to_string(), text("int128")),
            }
        }
    });
}

#[test]
fn replies_with_ids_that_no_call_has_say_which() {
    run(async {
        for id in ["18446744073709551616", "0.0", "\"0\"", "null"] {
            let reply = format!(r#"{{"id":{id},"result":5,"error":null}}"#);
            let (_, error) = error_of(Config::default(), async |_| Some(reply)).await;
            assert!(matches!(error, Error::Protocol(_)), "{error:?}");
            let why = error.source().unwrap().to_string();
            assert_eq!(why, format!("id is no unsigned integer of 64 bits: {id}"));
        }
    });
}

#[test]
fn an_empty_error_text_of_bson_is_a_success() {
    run(async {
        let (client, mut peer) = connected(AnyCodec::Bson(BsonDialect::Auto), Config::default());
        let serve = async {
            let mut buf = bytes::BytesMut::new();
            let mut reader = bson::RequestDecoder::new(codecs::Limits::default(), BsonDialect::Auto);
            let request = loop {
                peer.stream.read_buf(&mut buf).await.unwrap();
                if let Some(request) = reader.decode(&mut buf).unwrap() {
                    break request;
                }
            };
            let mut out = bytes::BytesMut::new();
            bson::ReplyEncoder::new().encode(request.head(), &0i64, &mut out).unwrap();
            assert!(out.windows(6).any(|bytes| bytes == b"Error\0"), "it is there, and empty");
            peer.send(&out).await;
        };
        assert_eq!(join!(client.call::<_, i64>("Arith.EmptyError", &1), serve).0.unwrap(), 0);
    });
}

#[test]
fn a_silent_server_costs_one_call_its_time_and_no_other_call() {
    run_paused(async {
        let (client, mut peer) = json(Config::default());
        let limit = Duration::from_millis(1500);
        let call = client.request("Slow.Sleep").timeout(limit).call::<_, i64>(&1);
        let serve = async {
            let expected = r#"{"method":"Slow.Sleep","params":[1],"id":0,"timeout":1500,"details":true}"#;
            assert_eq!(peer.line().await, expected);
        };
        let error = join!(call, serve).0.unwrap_err();
        assert!(matches!(error, Error::Timeout { after, sent: true } if after == limit), "{error:?}");
        assert!(error.may_have_executed());
        assert_eq!(error.to_string(), "no reply within 1500 ms");
        assert_eq!(client.in_flight(), 0);
        let serve = async {
            let id = peer.id().await;
            peer.answer(0, "1").await;
            peer.answer(id, "2").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &2), serve).0.unwrap(), 2);
    });
}

#[test]
fn time_spent_waiting_for_a_turn_counts_and_nothing_was_sent() {
    run_paused(async {
        let config = Config::default().max_in_flight(1).call_timeout(Some(Duration::from_secs(1)));
        let (client, mut peer) = json(config);
        let (first, second) =
            join!(client.call::<_, i64>("Slow.Sleep", &1), client.call::<_, i64>("Slow.Sleep", &2));
        let (first, second) = (first.unwrap_err(), second.unwrap_err());
        assert!(matches!(first, Error::Timeout { sent: true, .. }), "{first:?}");
        assert!(matches!(second, Error::Timeout { sent: false, .. }), "{second:?}");
        assert!(!second.may_have_executed());
        drop(client);
        let id = peer.id().await;
        assert_eq!(id, 0);
        peer.expect_fin().await;
    });
}

/// A value that cannot be written, or worse.
enum Bad {
    Fails,
    Panics,
}

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeSeq};
        let mut list = serializer.serialize_seq(Some(2))?;
        list.serialize_element(&1)?;
        match self {
            Self::Fails => Err(S::Error::custom("no words for this")),
            Self::Panics => panic!("in the arguments of a caller"),
        }
    }
}

#[test]
fn arguments_that_cannot_be_written_send_nothing() {
    run(async {
        let (client, mut peer) = json(Config::default().max_in_flight(1).max_message_bytes(1000));
        let error = client.call::<_, i64>("Echo.Ints", &Bad::Fails).await.unwrap_err();
        assert!(matches!(error, Error::Encode(_)) && !error.may_have_executed());
        assert_eq!(error.to_string(), "cannot encode the arguments: no words for this");
        let error = client.call::<_, i64>("Echo.String", &"x".repeat(1000)).await.unwrap_err();
        assert!(matches!(error, Error::Encode(_)));
        assert!(error.to_string().ends_with("limit 1000"), "{error}");
        let serve = async {
            peer.expect("{\"method\":\"Echo.Int\",\"params\":[1],\"id\":0}\n").await;
            peer.answer(0, "1").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap(), 1);
    });
}

#[test]
fn a_panic_in_a_callers_arguments_is_that_callers_alone() {
    run(async {
        let (client, mut peer) = json(Config::default().max_in_flight(1));
        let panics = tokio::spawn({
            let client = client.clone();
            async move { client.call::<_, i64>("Echo.Ints", &Bad::Panics).await }
        });
        assert!(panics.await.unwrap_err().is_panic());
        let serve = async {
            peer.expect("{\"method\":\"Echo.Int\",\"params\":[1],\"id\":0}\n").await;
            peer.answer(0, "1").await;
        };
        assert_eq!(join!(client.call::<_, i64>("Echo.Int", &1), serve).0.unwrap(), 1);
    });
}

#[test]
fn a_thousand_calls_in_flight_all_fail_when_the_server_dies() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let config = Config::default().max_in_flight(1000);
        let client = config.dial(&addr, AnyCodec::Json).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let calls: Vec<_> = (0..1001)
            .map(|n: i64| {
                let client = client.clone();
                tokio::spawn(async move { client.call::<_, i64>("Slow.Sleep", &n).await })
            })
            .collect();
        let mut requests = Vec::new();
        while requests.iter().filter(|&&byte| byte == b'\n').count() < 1000 {
            server.read_buf(&mut requests).await.unwrap();
        }
        // A killed process resets connections on which it has left bytes unread.
        server.set_zero_linger().unwrap();
        drop(server);
        let mut executed = 0;
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            match &error {
                Error::Io(_) => executed += usize::from(error.may_have_executed()),
                Error::Shutdown => assert!(!error.may_have_executed()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(executed, 1000);
        assert_eq!(client.in_flight(), 0);
    });
}

#[test]
fn calls_not_yet_sent_know_that_they_were_not() {
    run(async {
        // A server that reads nothing: the pipe is full after the first requests.
        let (ours, theirs) = tokio::io::duplex(64);
        let client = Client::over(ours, AnyCodec::Json, Config::default());
        let call = |n: i64| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<_, i64>("Echo.Int", &n).await.unwrap_err() })
        };
        let sent = call(1);
        settle().await;
        let half_sent = call(2);
        settle().await;
        let unsent = call(3);
        settle().await;
        drop(theirs);
        assert!(matches!(sent.await.unwrap(), Error::Io(_)));
        assert!(matches!(half_sent.await.unwrap(), Error::Io(_)));
        assert!(matches!(unsent.await.unwrap(), Error::Shutdown));
    });
}
