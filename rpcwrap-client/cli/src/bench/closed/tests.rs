//! The bytes of requests and replies, without sockets: what is counted, in whichever pieces they come.

use super::{
    requests::Requests,
    window::{Arrival, KnownReplies, Window},
};
use crate::{
    argument::Argument,
    bench::{failure::Kind, tally::Tally, target::Target},
    codec_name::CodecName,
};
use bytes::BytesMut;
use codecs::{AnyCodec, AnyRequest, AnyServerCodec, BsonDialect, ErrorReply, Limits};
use rpcwrap_client::{Connector, Error};
use std::collections::HashSet;

const SLOTS: usize = 12;
const CODECS: [AnyCodec; 4] =
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack];

fn target(codec: &AnyCodec) -> Target {
    let name = if matches!(codec, AnyCodec::Gob) { CodecName::Gob } else { CodecName::Json };
    Target {
        addr: ":1".parse().unwrap(),
        method: "Arith.Multiply".into(),
        argument: Argument::new(serde_json::from_str(r#"{"A":7,"B":8}"#).unwrap(), name),
        connector: Connector::new(codec.clone()),
        is_tls: false,
        max_time: None,
    }
}

/// A window, what surrounds it, and the server at its other end.
struct Bench {
    codec: AnyCodec,
    requests: Requests,
    known: KnownReplies,
    tally: Tally,
    window: Window,
    is_open: bool,
    server: AnyServerCodec,
    freed: Vec<usize>,
    now: u64,
}

impl Bench {
    fn new(codec: &AnyCodec) -> Self {
        let limits = Limits::default();
        Self {
            codec: codec.clone(),
            requests: Requests::encode(&mut codec.request_writer(), &target(codec), SLOTS).unwrap(),
            known: vec![Vec::new(); SLOTS],
            tally: Tally::default(),
            window: Window::new(codec.reply_reader(limits), BytesMut::new(), SLOTS),
            is_open: false,
            server: codec.server(limits),
            freed: Vec::new(),
            now: 0,
        }
    }

    /// A new connection, on which nothing has been said.
    fn reconnect(&mut self) {
        let Self { window, is_open, server, .. } = Self::new(&self.codec);
        (self.window, self.is_open, self.server) = (window, is_open, server);
    }

    /// Sends a request in every slot; the requests as the server sees them.
    fn send_all(&mut self) -> Vec<AnyRequest> {
        let mut sent = BytesMut::new();
        if self.is_open {
            self.requests.write(0..SLOTS, &mut sent);
        } else {
            self.is_open = true;
            self.requests.open(&mut sent);
            self.requests.write(1..SLOTS, &mut sent);
        }
        self.window.send(0..SLOTS, self.now);
        let requests: Vec<_> = std::iter::from_fn(|| self.server.decode(&mut sent).unwrap()).collect();
        assert_eq!(requests.len(), SLOTS);
        requests
    }

    /// Replies with a value to each of `requests`, or with an error where the value is a text.
    fn replies(
        &mut self,
        requests: &[AnyRequest],
        value: impl Fn(usize) -> Result<i64, &'static str>,
    ) -> BytesMut {
        let mut out = BytesMut::new();
        for (index, request) in requests.iter().enumerate() {
            let mut to = self.server.reply_to(request);
            match value(index) {
                Ok(value) => to.encode(&value, None, &mut out).unwrap(),
                Err(text) => to.encode_error(&ErrorReply::new(text), &mut out),
            }
        }
        out
    }

    /// As the generator reads: what is left of the last read goes in front.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.now += 1_000_000;
        let mut buf = vec![0; 64 << 10];
        let front = self.window.take_rest(&mut buf);
        buf[front..front + bytes.len()].copy_from_slice(bytes);
        let Self { requests, known, tally, freed, now, .. } = self;
        let mut arrival = Arrival { requests, known, tally, freed, now: *now };
        self.window.receive(&buf[..front + bytes.len()], &mut arrival)
    }

    /// What was counted since the last time: answered, and failed.
    fn counted(&mut self) -> (u64, u64) {
        let tally = std::mem::take(&mut self.tally);
        self.freed.clear();
        assert_eq!(tally.service.histogram().len(), tally.done);
        (tally.done, tally.failed_in_all())
    }
}

#[test]
fn every_request_has_a_seq_of_its_own_and_the_same_length() {
    for codec in CODECS {
        let requests = Bench::new(&codec).send_all();
        let seqs: HashSet<u64> = requests.iter().map(AnyRequest::seq).collect();
        let bench = Bench::new(&codec);
        let length = |slot| {
            let mut request = BytesMut::new();
            bench.requests.write(slot..slot + 1, &mut request);
            request.len()
        };
        let lengths: HashSet<usize> = (0..SLOTS).map(length).collect();
        assert_eq!((seqs.len(), lengths.len()), (SLOTS, 1), "{codec:?}");
        let mut opening = BytesMut::new();
        bench.requests.open(&mut opening);
        let opening = codec.server(Limits::default()).decode(&mut opening).unwrap().unwrap();
        assert_eq!((opening.seq(), opening.service_method()), (requests[0].seq(), &b"Arith.Multiply"[..]));
    }
}

#[test]
fn replies_are_counted_once_whole_and_cut_anywhere() {
    for codec in CODECS {
        let mut bench = Bench::new(&codec);
        let requests = bench.send_all();
        let replies = bench.replies(&requests, |_| Ok(56));
        bench.receive(&replies).unwrap();
        assert_eq!((bench.freed.len(), bench.counted()), (SLOTS, (SLOTS as u64, 0)), "{codec:?}");
        // From now on without what is said once.
        let replies = bench.replies(&requests, |_| Ok(56));
        for cut in 0..replies.len() {
            bench.send_all();
            bench.receive(&replies[..cut]).unwrap();
            bench.receive(&replies[cut..]).unwrap();
            assert_eq!(
                (bench.window.in_flight(), bench.counted()),
                (0, (SLOTS as u64, 0)),
                "{codec:?} {cut}"
            );
        }
        bench.send_all();
        replies.iter().for_each(|byte| bench.receive(&[*byte]).unwrap());
        assert_eq!(bench.counted(), (SLOTS as u64, 0), "{codec:?} byte by byte");
        // What one connection was answered is known on the next.
        bench.reconnect();
        bench.send_all();
        let replies = bench.replies(&requests, |_| Ok(56));
        replies.iter().for_each(|byte| bench.receive(&[*byte]).unwrap());
        assert_eq!(bench.counted(), (SLOTS as u64, 0), "{codec:?} on a new connection");
    }
}

#[test]
fn other_values_errors_and_another_order_are_read_for_what_they_are() {
    for codec in CODECS {
        let mut bench = Bench::new(&codec);
        let mut requests = bench.send_all();
        for round in 0..3 {
            let replies = bench.replies(&requests, |_| Ok(56));
            bench.receive(&replies).unwrap();
            assert_eq!(bench.counted(), (SLOTS as u64, 0));
            bench.send_all();
            requests.reverse();
            let replies = bench.replies(&requests, |index| match index % 4 {
                0 => Ok(-1 << (20 * round)),
                1 => Err("divide by zero"),
                2 => Err("rpc: server is draining"),
                _ => Ok(56),
            });
            bench.receive(&replies).unwrap();
            let failures: Vec<_> =
                bench.tally.failures().filter(|(_, failures)| failures.count > 0).collect();
            let [(remote, by_zero), (draining, _)] = failures[..] else { panic!("{failures:?}") };
            assert_eq!((remote, draining, by_zero.count), (Kind::Remote, Kind::Draining, 3));
            assert_eq!(by_zero.example, "divide by zero");
            assert_eq!((bench.window.in_flight(), bench.counted()), (0, (6, 6)), "{codec:?}");
            bench.send_all();
        }
    }
}

#[test]
fn a_reply_without_a_call_is_dropped() {
    for codec in CODECS {
        let mut bench = Bench::new(&codec);
        let requests = bench.send_all();
        let replies = bench.replies(&requests, |_| Ok(56));
        bench.receive(&replies).unwrap();
        assert_eq!(bench.counted(), (SLOTS as u64, 0), "{codec:?}");
        let replies = bench.replies(&requests, |_| Ok(56));
        bench.receive(&replies).unwrap();
        assert_eq!(bench.counted(), (0, 0), "{codec:?}: no call waits for them");
        bench.send_all();
        bench.receive(&replies).unwrap();
        assert_eq!(bench.counted(), (SLOTS as u64, 0), "{codec:?}");
    }
}

#[test]
fn garbage_is_an_error_behind_what_was_good() {
    for codec in CODECS {
        let mut bench = Bench::new(&codec);
        let requests = bench.send_all();
        let mut replies = bench.replies(&requests[..5], |_| Ok(56));
        replies.extend_from_slice(b"\x01\x00\x00\x00 no reply in any codec");
        let error = bench.receive(&replies).unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        assert_eq!((bench.window.waiting(bench.now).count(), bench.counted()), (SLOTS - 5, (5, 0)));
    }
}

#[test]
fn calls_count_with_the_time_since_they_were_sent() {
    let mut bench = Bench::new(&AnyCodec::Json);
    let requests = bench.send_all();
    let replies = bench.replies(&requests, |_| Ok(56));
    bench.receive(&replies).unwrap();
    bench.counted();
    bench.send_all();
    bench.now += 6_000_000;
    bench.receive(&replies).unwrap();
    for time in [bench.tally.service.min(), bench.tally.response.max()] {
        assert!((6.99..7.01).contains(&(time.as_secs_f64() * 1e3)), "{time:?}");
    }
}
