//! The recordings replayed against a server of the same services that is nothing but this codec.
//!
//! Every recorded connection is fed whole, split at every byte and one byte at a time; the replies must be the
//! recorded bytes, except where a test here says what is wanted instead.

use super::support::{Any, Blob, Exchange, Text, Time, exchange, exchanges};
use crate::{
    BsonDialect, Dialect, ErrorReply, Limits, ValueError,
    bson::{ReplyDecoder, ReplyEncoder, Request, RequestDecoder, value_from_slice},
};
use bytes::BytesMut;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Inner {
    name: Text,
    n: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Holder {
    v: Any,
}

#[derive(Debug, Serialize, Deserialize)]
struct Empty {}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SArgs {
    #[serde(rename = "N")]
    n: i64,
    #[serde(rename = "ErrorAt")]
    error_at: i64,
    #[serde(rename = "BadAt")]
    bad_at: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SReply {
    c: i64,
    index: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct All {
    #[serde(rename = "I32")]
    i32: i32,
    #[serde(rename = "I64")]
    i64: i64,
    #[serde(rename = "I")]
    i: i64,
    #[serde(rename = "U32")]
    u32: u32,
    #[serde(rename = "U64")]
    u64: u64,
    #[serde(rename = "U")]
    u: u64,
    #[serde(rename = "F")]
    f: f64,
    #[serde(rename = "B")]
    b: bool,
    #[serde(rename = "S")]
    s: Text,
    #[serde(rename = "By")]
    by: Blob,
    #[serde(rename = "T")]
    t: Time,
    #[serde(rename = "In")]
    inner: Inner,
    #[serde(rename = "PIn")]
    p_in: Option<Inner>,
    #[serde(rename = "NilP")]
    nil_p: Option<Inner>,
    #[serde(rename = "If")]
    any: Any,
    #[serde(rename = "NilIf")]
    nil_if: Any,
    #[serde(rename = "MS")]
    ms: BTreeMap<Text, Text>,
    #[serde(rename = "SS")]
    ss: Vec<Text>,
    #[serde(rename = "SI")]
    si: Vec<i64>,
    #[serde(rename = "SIn")]
    s_in: Vec<Inner>,
    #[serde(rename = "ES")]
    es: Vec<Text>,
    #[serde(rename = "NS")]
    ns: Vec<Text>,
    #[serde(rename = "EM")]
    em: BTreeMap<Text, Text>,
    #[serde(rename = "NM")]
    nm: BTreeMap<Text, Text>,
    #[serde(rename = "EB")]
    eb: Blob,
    #[serde(rename = "NB")]
    nb: Blob,
}

/// The services of the recordings; writes replies as a server would.
struct Server {
    encoder: ReplyEncoder,
    out: BytesMut,
    /// A fatal error has been answered.
    closed: bool,
}

impl Server {
    /// All replies to what `decoder` makes of `chunks`, and whether the connection was closed.
    fn serve<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
        let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
        let mut server = Self { encoder: ReplyEncoder::new(), out: BytesMut::new(), closed: false };
        let mut buf = BytesMut::new();
        for chunk in chunks {
            buf.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buf) {
                    Ok(Some(request)) => server.answer(&request),
                    Ok(None) => break,
                    Err(_) => server.closed = true,
                }
                if server.closed {
                    return (server.out.to_vec(), true);
                }
            }
        }
        while let Ok(Some(request)) = decoder.decode_eof(&mut buf) {
            server.answer(&request);
        }
        (server.out.to_vec(), server.closed)
    }

    fn answer(&mut self, request: &Request) {
        if let Err(error) = self.call(request) {
            // Go's int has a name of its own.
            let int =
                [&b"Arith"[..], b"Echo.Int"].iter().any(|name| request.service_method().starts_with(name));
            let text = if int { error.text().replace(" for int64", " for int") } else { error.text().into() };
            self.encoder.encode_error(request.head(), &ErrorReply::new(text), &mut self.out);
            self.closed |= error.is_fatal();
        }
    }

    fn call(&mut self, request: &Request) -> Result<(), ValueError> {
        let name = String::from_utf8_lossy(request.service_method()).into_owned();
        let service = name.split('.').next().unwrap_or_default();
        if name.split('.').count() != 2 {
            return Err(ValueError::new(format!("rpc: service/method request ill-formed: {name}")));
        }
        if !["Arith", "Echo", "Stream", "Slow"].contains(&service) {
            return Err(ValueError::new(format!("rpc: can't find service {name}")));
        }
        match name.as_str() {
            "Arith.Multiply" => self.method(request, |args: Args| Ok(args.a.wrapping_mul(args.b))),
            "Arith.Divide" => self.method(request, |args: Args| match args.b {
                0 => Err(ValueError::new("divide by zero")),
                b => Ok(Quotient { quo: args.a / b, rem: args.a % b }),
            }),
            "Arith.Error" => self.method(request, |_: Args| {
                Err::<(), _>(ValueError::new("app error: \"quoted\" <tag> \u{e9}\n"))
            }),
            "Arith.EmptyError" => self.method(request, |_: Args| Ok(0i64)),
            "Arith.EOSError" => self.method(request, |_: Args| Err::<(), _>(ValueError::new("EOS"))),
            "Echo.All" => self.echo::<Box<All>>(request),
            "Echo.String" => self.echo::<Text>(request),
            "Echo.Bytes" => self.echo::<Blob>(request),
            "Echo.Int" | "Echo.Int64" => self.echo::<i64>(request),
            "Echo.Int32" => self.echo::<i32>(request),
            "Echo.Uint" | "Echo.Uint64" => self.echo::<u64>(request),
            "Echo.Uint32" => self.echo::<u32>(request),
            "Echo.Float64" => self.echo::<f64>(request),
            "Echo.Bool" => self.echo::<bool>(request),
            "Echo.Time" => self.echo::<Time>(request),
            "Echo.Inner" => self.echo::<Inner>(request),
            // As in Go a string that is not told from bytes goes out as Binary.
            "Echo.Map" => self.echo::<BTreeMap<Text, Any>>(request),
            "Echo.MapStr" => self.echo::<BTreeMap<Text, Text>>(request),
            "Echo.Strings" => self.echo::<Vec<Text>>(request),
            "Echo.Inners" => self.echo::<Vec<Inner>>(request),
            "Echo.Ints" => self.echo::<Vec<i64>>(request),
            "Echo.Any" => self.echo::<Any>(request),
            "Echo.Hold" => self.echo::<Holder>(request),
            "Echo.Empty" => self.echo::<Empty>(request),
            "Echo.Bad" => self.method(request, |_: Empty| Ok(BTreeMap::from([("X", 1i8)]))),
            "Echo.BadKey" => self.method(request, |_: Empty| Ok(BTreeMap::from([(1, "a")]))),
            "Slow.Sleep" => self.echo::<i64>(request),
            "Stream.Count" => self.count(request),
            _ => Err(ValueError::new(format!("rpc: can't find method {name}"))),
        }
    }

    fn method<A: DeserializeOwned, R: Serialize>(
        &mut self,
        request: &Request,
        run: impl FnOnce(A) -> Result<R, ValueError>,
    ) -> Result<(), ValueError> {
        let args = request.args().map_err(Clone::clone)?;
        let reply = run(value_from_slice(args)?)?;
        self.encoder
            .encode(request.head(), &reply, &mut self.out)
            .map_err(|error| ValueError::new(error.text()))
    }

    fn echo<T: Serialize + DeserializeOwned>(&mut self, request: &Request) -> Result<(), ValueError> {
        self.method(request, Ok::<T, _>)
    }

    fn count(&mut self, request: &Request) -> Result<(), ValueError> {
        let args: SArgs = value_from_slice(request.args().map_err(Clone::clone)?)?;
        for index in 0..args.n {
            if index != 0 && index == args.error_at {
                return Err(ValueError::new("triggered error in middle"));
            }
            if index != 0 && index == args.bad_at {
                return Err(ValueError::new("rpc: passing wrong type to sendReply"));
            }
            let item = SReply { c: args.n, index };
            self.encoder
                .encode(request.head(), &item, &mut self.out)
                .map_err(|error| ValueError::new(error.text()))?;
        }
        Err(ValueError::new("EOS"))
    }
}

/// Single replies, sorted: the order of replies to pipelined calls is free.
fn replies(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = ReplyDecoder::new(Limits::default());
    let (mut buf, mut found) = (BytesMut::from(bytes), Vec::new());
    while !buf.is_empty() {
        let before = buf.clone();
        decoder.decode(&mut buf).unwrap().expect("a whole reply");
        found.push(before[..before.len() - buf.len()].to_vec());
    }
    found.sort();
    found
}

/// The replies to an exchange fed in every way.
fn serve(exchange: &Exchange) -> (Vec<u8>, bool) {
    let bytes = &exchange.requests[..];
    let whole = Server::serve([bytes]);
    assert_eq!(Server::serve(bytes.chunks(1)), whole, "{}: one byte at a time", exchange.name);
    for at in 0..bytes.len().min(600) {
        let (a, b) = bytes.split_at(at);
        assert_eq!(Server::serve([a, b]), whole, "{}: split at {at}", exchange.name);
    }
    whole
}

/// Exchanges that the other tests of this file look at, and the login, which is a service of its own.
fn is_different(name: &str) -> bool {
    let numbered = [
        "raw/bson_body_int_neg_int32",
        "bson_go_client/echo_any",
        "bson_go_client/bad_reply_mapkey",
        "bson_py_client/echo_any",
        "raw/bson_reply_marshal_failure_then_ok",
        "raw/bson_len_3_body",
        "raw/bson_string_len_zero",
        "raw/bson_halfclose_after_request",
        "bson_go_client/close_with_pending_call",
        "raw/bson_header_string_kind",
        "raw/bson_int32_from_long",
        "raw/bson_uint32_from_long",
        "raw/bson_float_from_int",
        "bson_py_client/echo_int32_from_long",
        "bson_py_client/echo_uint32_long",
        "bson_py_client/echo_uint32_big",
    ];
    numbered.contains(&name) || name.contains("/auth_")
}

#[test]
fn recorded_replies_byte_for_byte() {
    let mut compared = 0;
    for exchange in exchanges().iter().filter(|exchange| !is_different(&exchange.name)) {
        let (ours, _) = serve(exchange);
        let same = if exchange.name.ends_with("echo_all_partial") || exchange.name.contains("map") {
            bodies(&ours) == bodies(&exchange.replies)
        } else {
            replies(&ours) == replies(&exchange.replies)
        };
        assert!(
            same,
            "{}: {} wanted {}",
            exchange.name,
            ours.escape_ascii(),
            exchange.replies.escape_ascii()
        );
        compared += 1;
    }
    assert!(compared > 120, "{compared}");
}

/// Bodies without regard to the order of members.
fn bodies(bytes: &[u8]) -> Vec<Any> {
    replies(bytes)
        .iter()
        .map(|reply| {
            let reply = ReplyDecoder::new(Limits::default())
                .decode(&mut BytesMut::from(&reply[..]))
                .unwrap()
                .unwrap();
            value_from_slice::<Any>(reply.body()).unwrap().sorted()
        })
        .collect()
}

#[test]
fn recorded_login_requests_and_error_replies() {
    for exchange in exchanges().iter().filter(|exchange| exchange.name.contains("/auth_")) {
        let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
        let mut buf = BytesMut::from(&exchange.requests[..]);
        let mut requests = BTreeMap::new();
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            requests.insert(request.seq(), request);
        }
        for bytes in replies(&exchange.replies) {
            let mut buf = BytesMut::from(&bytes[..]);
            let reply = ReplyDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
            let request = &requests[&reply.seq()];
            let mut out = BytesMut::new();
            match reply.error() {
                Some(error) => ReplyEncoder::new().encode_error(request.head(), error, &mut out),
                None => {
                    let value: Any = value_from_slice(reply.body()).unwrap();
                    match value {
                        Any::Map(_) => ReplyEncoder::new().encode(request.head(), &value, &mut out).unwrap(),
                        simple => ReplyEncoder::new().encode(request.head(), &simple, &mut out).unwrap(),
                    }
                }
            }
            assert_eq!(out, bytes, "{}", exchange.name);
        }
    }
}

/// The error texts and bodies of our replies to a recorded exchange.
fn outcomes(name: &str) -> (Vec<Result<Any, String>>, bool) {
    let (ours, closed) = serve(&exchange(name));
    let outcomes = replies(&ours).into_iter().map(|bytes| {
        let reply =
            ReplyDecoder::new(Limits::default()).decode(&mut BytesMut::from(&bytes[..])).unwrap().unwrap();
        match reply.error() {
            Some(error) => Err(error.text.clone()),
            None => Ok(value_from_slice(reply.body()).unwrap()),
        }
    });
    (outcomes.collect(), closed)
}

#[test]
fn int32_into_a_wider_signed_integer_keeps_its_sign() {
    assert_eq!(outcomes("raw/bson_body_int_neg_int32"), (vec![Ok(Any::Int(-56))], false));
}

#[test]
fn replies_the_original_could_not_encode() {
    let key = Any::Map(vec![("1".into(), Any::Blob(Blob(b"a".to_vec())))]);
    assert_eq!(outcomes("bson_go_client/bad_reply_mapkey"), (vec![Ok(key)], false));
    for name in ["bson_go_client/echo_any", "bson_py_client/echo_any"] {
        let (outcomes, closed) = outcomes(name);
        assert!(outcomes.len() == 1 && outcomes[0].is_ok() && !closed, "{name}: {outcomes:?}");
    }
    assert_eq!(outcomes("raw/bson_reply_marshal_failure_then_ok").0.len(), 2);
}

#[test]
fn hostile_lengths_in_a_body_are_answered_and_end_the_connection() {
    let too_short = Err("malformed at byte 52: document length under 5".into());
    assert_eq!(outcomes("raw/bson_len_3_body"), (vec![too_short], true));
    assert_eq!(outcomes("raw/bson_string_len_zero"), (vec![Err("string of length 0".into())], true));
}

#[test]
fn hostile_lengths_of_a_header_end_the_connection_unanswered() {
    for name in ["raw/bson_len_0_header", "raw/bson_len_4_header", "raw/bson_len_neg_header"] {
        assert_eq!(outcomes(name), (vec![], true), "{name}");
    }
}

#[test]
fn requests_before_a_half_close_are_answered() {
    assert_eq!(outcomes("raw/bson_halfclose_after_request").0, [Ok(Any::Int(56))]);
    assert_eq!(outcomes("bson_go_client/close_with_pending_call").0.len(), 1);
}

#[test]
fn wider_integers_into_narrow_members_if_they_fit() {
    for (name, value) in [
        ("raw/bson_int32_from_long", Any::Int32(1)),
        ("raw/bson_uint32_from_long", Any::Uint(1)),
        ("raw/bson_float_from_int", Any::Float(1.0)),
        ("bson_py_client/echo_int32_from_long", Any::Int32(5)),
        ("bson_py_client/echo_uint32_long", Any::Uint(5)),
        ("bson_py_client/echo_uint32_big", Any::Uint(0xFFFF_FFFF)),
    ] {
        assert_eq!(outcomes(name), (vec![Ok(value)], false), "{name}");
    }
}

#[test]
fn a_string_in_a_header_makes_its_reply_standard_and_no_other() {
    let (ours, _) = serve(&exchange("raw/bson_header_string_kind"));
    let mut wanted =
        b"\x40\0\0\0\x02ServiceMethod\0\x0f\0\0\0Arith.Multiply\0\x12Seq\0\x09\0\0\0\0\0\0\0".to_vec();
    wanted.extend_from_slice(b"\x02Error\0\x01\0\0\0\0\0\x14\0\0\0\x12_Val_\0\x38\0\0\0\0\0\0\0\0");
    assert_eq!(ours.escape_ascii().to_string(), wanted.escape_ascii().to_string());
    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    let mut buf = BytesMut::from(&exchange("raw/bson_header_string_kind").requests[..]);
    buf.extend_from_slice(&exchange("raw/bson_ok").requests);
    for dialect in [Dialect::Standard, Dialect::Vitess] {
        assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().head().dialect(), dialect);
    }
}
