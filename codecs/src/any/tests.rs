//! Each codec's server against its client, and replies that are taken back.

use super::*;
use crate::{
    BsonDialect, CallOptions, DecodeError, Dialect, EncodeError, ErrorReply, Head, Reply, Request,
    ValueError,
    codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
    schema::TypeOf,
};
use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use std::any::Any;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

/// A codec that remembers: each reply is one byte more than the last, the name and what kind it is.
struct Counting;

#[derive(Default)]
struct Half {
    replies: u8,
}

impl Codec for Counting {
    fn name(&self) -> &str {
        "counting"
    }
    fn request_decoder(&self, _: Limits) -> Box<dyn RequestDecoder> {
        Box::<Half>::default()
    }
    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        Box::<Half>::default()
    }
    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::<Half>::default()
    }
    fn reply_decoder(&self, _: Limits) -> Box<dyn ReplyDecoder> {
        Box::<Half>::default()
    }
}

impl RequestDecoder for Half {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let message = buf.split().freeze();
        Ok((!message.is_empty()).then(|| Request::new(message.clone(), 7, 0..message.len(), 0..0)))
    }
    fn args(&self, _: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
        let mut json = serde_json::Deserializer::from_str("{\"x\":1,\"y\":2}");
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))
            .map_err(|error| ValueError::new(error.to_string()))
    }
}

impl Half {
    fn put(&mut self, head: &Head, kind: &[u8], out: &mut BytesMut) {
        self.replies += 1;
        out.extend_from_slice(&[self.replies]);
        out.extend_from_slice(&[head.service_method(), kind].concat());
    }
}

impl ReplyEncoder for Half {
    fn encode(
        &mut self,
        head: &Head,
        _: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        self.put(head, b"value", out);
        Ok(())
    }
    fn encode_error(&mut self, head: &Head, _: &ErrorReply, out: &mut BytesMut) {
        self.put(head, b"error", out);
    }
    fn save(&self) -> Option<Box<dyn Any + Send>> {
        Some(Box::new(self.replies))
    }
    fn restore(&mut self, saved: Box<dyn Any + Send>) {
        self.replies = *saved.downcast().unwrap();
    }
}

impl RequestEncoder for Half {
    fn encode(
        &mut self,
        _: u64,
        name: &str,
        _: CallOptions,
        _: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        out.extend_from_slice(name.as_bytes());
        Ok(())
    }
}

impl ReplyDecoder for Half {
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        Ok(None)
    }
    fn body(&self, _: &Reply, _: Visit<'_>) -> Result<(), ValueError> {
        Err(ValueError::new("no replies are read"))
    }
}

fn codecs() -> [AnyCodec; 6] {
    [
        AnyCodec::Json,
        AnyCodec::Bson(BsonDialect::Auto),
        AnyCodec::Bson(BsonDialect::Always(Dialect::Standard)),
        AnyCodec::Gob,
        AnyCodec::Msgpack,
        AnyCodec::Custom(Arc::new(Counting)),
    ]
}

/// The server's side of a connection and a request that it has read.
fn asked(codec: &AnyCodec) -> (AnyServerCodec, AnyRequest) {
    let mut bytes = BytesMut::new();
    let options = CallOptions { details: true, ..CallOptions::default() };
    let point = Point { x: 1, y: 2 };
    codec.request_writer().encode(7, "S.M", options, &point, None, &mut bytes).unwrap();
    let wire_len = bytes.len();
    let mut server = codec.server(Limits::default());
    let request = server.decode(&mut bytes).unwrap().unwrap();
    assert_eq!(request.wire_len() + bytes.len(), wire_len, "{codec:?}: a line end behind JSON is left");
    assert!(server.decode(&mut bytes).unwrap().is_none() && server.decode_eof(&mut bytes).unwrap().is_none());
    (server, request)
}

/// What a server writes to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Point,
    TypedPoint,
    Text,
    Error,
    ErrorWithDetails,
    Unfit,
}

const PIECES: [Piece; 6] =
    [Piece::Point, Piece::TypedPoint, Piece::Text, Piece::Error, Piece::ErrorWithDetails, Piece::Unfit];

fn write(to: &mut ReplyTo<'_>, piece: Piece, out: &mut BytesMut) {
    static POINT: TypeOf = TypeOf::new::<Point>();
    let details = ErrorReply { text: "x".into(), code: "c".into(), data: Some(serde_json::json!([1])) };
    match piece {
        Piece::Point => to.encode(&Point { x: 3, y: 4 }, None, out).unwrap(),
        Piece::TypedPoint => to.encode(&Point { x: 5, y: 6 }, Some(&POINT), out).unwrap(),
        Piece::Text => to.encode(&vec!["a", "b"], None, out).unwrap(),
        Piece::Error => to.encode_error(&ErrorReply::new("x"), out),
        Piece::ErrorWithDetails => to.encode_error(&details, out),
        Piece::Unfit => drop(to.encode(&(Point { x: 1, y: 2 }, i128::MAX), None, out)),
    }
}

#[test]
fn a_reply_that_was_taken_back_is_as_if_it_had_not_been_written() {
    for codec in codecs() {
        for first in PIECES {
            for dropped in PIECES {
                for last in PIECES {
                    let (mut server, request) = asked(&codec);
                    let mut to = server.reply_to(&request);
                    let mut out = BytesMut::new();
                    write(&mut to, first, &mut out);
                    let before = out.len();
                    let saved = to.save();
                    write(&mut to, dropped, &mut out);
                    let written = out.split_off(before);
                    to.restore(saved);
                    write(&mut to, last, &mut out);

                    let (mut server, request) = asked(&codec);
                    let mut to = server.reply_to(&request);
                    let mut wanted = BytesMut::new();
                    write(&mut to, first, &mut wanted);
                    write(&mut to, last, &mut wanted);
                    assert_eq!(out, wanted, "{codec:?} {first:?} {dropped:?} {last:?}");

                    // The same again is the same bytes.
                    let (mut server, request) = asked(&codec);
                    let mut to = server.reply_to(&request);
                    write(&mut to, first, &mut BytesMut::new());
                    let mut again = BytesMut::new();
                    write(&mut to, dropped, &mut again);
                    assert_eq!(again, written, "{codec:?} {first:?} {dropped:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_taken_back_of_one_connection_stays_with_the_others() {
    let (mut one, request) = asked(&AnyCodec::Gob);
    let (mut other, _) = asked(&AnyCodec::Gob);
    let mut first = BytesMut::new();
    let mut to = one.reply_to(&request);
    let saved = to.save();
    write(&mut to, Piece::Point, &mut first);
    let mut beside = BytesMut::new();
    write(&mut other.reply_to(&request), Piece::Point, &mut beside);
    to.restore(saved);
    let (mut again, mut later) = (BytesMut::new(), BytesMut::new());
    write(&mut to, Piece::Point, &mut again);
    write(&mut other.reply_to(&request), Piece::Point, &mut later);
    assert_eq!((&again, &beside), (&first, &first));
    assert!(later.len() < beside.len(), "its definitions went out");
}

#[test]
fn a_request_without_its_arguments_is_answered_alike() {
    for codec in codecs() {
        let (mut server, request) = asked(&codec);
        let args: Point = server.args(&request).decode().unwrap();
        assert_eq!((args, request.seq(), request.service_method()), (Point { x: 1, y: 2 }, 7, &b"S.M"[..]));
        assert_eq!(request.timeout(), None);
        for piece in PIECES {
            let mut out = BytesMut::new();
            write(&mut server.reply_to(&request), piece, &mut out);
            let (mut server, request) = asked(&codec);
            for earlier in PIECES.into_iter().take_while(|earlier| *earlier != piece) {
                write(&mut server.reply_to(&request), earlier, &mut BytesMut::new());
            }
            let request = request.without_args();
            let mut kept = BytesMut::new();
            write(&mut server.reply_to(&request), piece, &mut kept);
            assert_eq!((kept, request.seq()), (out, 7), "{codec:?} {piece:?}");
        }
    }
}

#[test]
#[should_panic(expected = "AnyServerCodec(bson) has not read this request")]
fn another_codecs_request_is_a_fault_of_the_program() {
    let (_, request) = asked(&AnyCodec::Json);
    let (mut server, _) = asked(&AnyCodec::Bson(BsonDialect::Auto));
    server.reply_to(&request);
}
