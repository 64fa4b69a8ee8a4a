//! What a message becomes in memory is bounded, in every codec: 64 MiB and 8 bytes for each of its own.

#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

use bytes::BytesMut;
use rpcwrap_codecs::{
    AnyCodec, Args, BsonDialect, CallOptions, Decoding, Limits, ValueError,
    body::{BytesArgs, ContentType},
    compress::Compression,
    schema::TypeOf,
    text::{TextArgs, Token},
    types::Any,
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap as _};
use std::collections::{BTreeMap, HashMap};

const MIB: u64 = 1 << 20;

const REFUSED: &str = "message decodes to more than ";

fn codecs() -> [AnyCodec; 4] {
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack]
}

/// Sends `value` through a codec as the arguments of a call.
fn with_args<V: Serialize + ?Sized, R>(
    codec: &AnyCodec,
    value: &V,
    type_of: Option<&TypeOf>,
    then: impl FnOnce(&Args<'_>, u64) -> R,
) -> R {
    let mut wire = BytesMut::new();
    let options = CallOptions::default();
    codec.request_writer().encode(1, "A.B", options, value, type_of, &mut wire).unwrap();
    let len = wire.len() as u64;
    let mut server = codec.server(Limits { max_message_bytes: 1 << 30, ..Limits::default() });
    let request = server.decode(&mut wire).unwrap().unwrap();
    then(&server.args(&request), len)
}

/// Decodes a `T`, and says how much memory that took at most.
fn decode<T: DeserializeOwned>(args: &Args<'_>) -> (Result<T, ValueError>, u64) {
    let mut decoded = None;
    let taken = allocation_counter::measure(|| decoded = Some(args.decode::<T>()));
    (decoded.unwrap(), taken.bytes_max)
}

/// Decodes a hostile message of `len` bytes, which becomes a `T` or is refused.
fn is_bounded<T: DeserializeOwned>(name: &str, args: &Args<'_>, len: u64) {
    let (decoded, taken) = decode::<T>(args);
    let bound = 64 * MIB + 8 * len;
    if let Err(error) = &decoded {
        let text = error.text();
        assert!(text.starts_with("rpc: ") && text.contains(REFUSED) && !error.is_fatal(), "{name}: {text}");
    }
    // A list that grows has the room of before for a moment beside the new one.
    assert!(taken <= bound + bound / 2, "{name}: {len} bytes took {taken}, bound {bound}");
}

/// `[[[…]]]`, so deep.
fn nested(depth: usize) -> Any {
    (0..depth).fold(Any::List(Vec::new()), |inner, _| Any::List(vec![inner]))
}

#[derive(Debug, Clone, Serialize)]
struct Thin {
    a: i64,
}

#[derive(Debug, Deserialize)]
struct Wide {
    #[allow(dead_code, reason = "only what it takes counts")]
    a: i64,
    #[serde(default)]
    #[allow(dead_code, reason = "only what it takes counts")]
    b: [u64; 32],
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "only what it takes counts")]
enum Loose {
    Lists(Vec<Self>),
    Number(i64),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only what it takes counts")]
struct Flat {
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

#[test]
fn hostile_values_are_refused_before_they_are_made() {
    let tower = vec![nested(40); MIB as usize / 82];
    let strings = vec![String::new(); MIB as usize / 3];
    let letters = vec!["a".to_owned(); MIB as usize / 4];
    let empty = vec![Vec::<i64>::new(); MIB as usize / 3];
    let empty_type = TypeOf::new::<Vec<Vec<i64>>>();
    let maps = vec![BTreeMap::from([(String::new(), 0)]); MIB as usize / 8];
    let thin = vec![Thin { a: 0 }; MIB as usize / 8];
    for codec in codecs() {
        let name = |of: &str| format!("{} {of}", codec.name());
        with_args(&codec, &tower, None, |args, len| {
            is_bounded::<Vec<Any>>(&name("tower, Any"), args, len);
            is_bounded::<Vec<serde_json::Value>>(&name("tower, Value"), args, len);
            is_bounded::<Vec<Loose>>(&name("tower, untagged"), args, len);
        });
        with_args(&codec, &strings, None, |args, len| {
            is_bounded::<Vec<String>>(&name("empty texts"), args, len);
            is_bounded::<Vec<Any>>(&name("empty texts, Any"), args, len);
        });
        with_args(&codec, &letters, None, |args, len| {
            is_bounded::<Vec<String>>(&name("short texts"), args, len);
            is_bounded::<Vec<Box<str>>>(&name("short texts, boxed"), args, len);
        });
        with_args(&codec, &empty, Some(&empty_type), |args, len| {
            is_bounded::<Vec<Vec<()>>>(&name("empty lists"), args, len);
            is_bounded::<Vec<Any>>(&name("empty lists, Any"), args, len);
        });
        with_args(&codec, &maps, None, |args, len| {
            is_bounded::<Vec<HashMap<String, i64>>>(&name("maps"), args, len);
            is_bounded::<Vec<BTreeMap<String, i64>>>(&name("maps, sorted"), args, len);
            is_bounded::<Vec<serde_json::Value>>(&name("maps, Value"), args, len);
            is_bounded::<Vec<Any>>(&name("maps, Any"), args, len);
            is_bounded::<Vec<Flat>>(&name("maps, flattened"), args, len);
        });
        with_args(&codec, &thin, None, |args, len| {
            is_bounded::<Vec<Wide>>(&name("structs"), args, len);
            is_bounded::<Vec<Option<Box<Wide>>>>(&name("boxed structs"), args, len);
            is_bounded::<Vec<Box<Wide>>>(&name("boxes"), args, len);
        });
    }
}

#[test]
fn the_worst_bytes_of_each_kind() {
    let ones = vec![0x91; 2 * MIB as usize];
    let tower: Vec<_> =
        [0xDD, 0, 0, 0x58, 0].into_iter().chain([&[0x91; 89][..], &[0x90]].concat().repeat(0x5800)).collect();
    is_bounded::<Any>("msgpack tower", &Args::Msgpack(&tower), tower.len() as u64);
    let error = Args::Msgpack(&ones).decode::<Any>().unwrap_err();
    assert_eq!(error.text(), "nesting deeper than 100");

    let json = |unit: &str| format!("[{}0]", unit.repeat(2 * MIB as usize / unit.len())).into_bytes();
    let deep = json(&format!("{}{},", "[".repeat(90), "]".repeat(90)));
    is_bounded::<Any>("JSON tower", &Args::JsonValue(&deep), deep.len() as u64);
    is_bounded::<serde_json::Value>("JSON tower, Value", &Args::JsonValue(&deep), deep.len() as u64);
    let words = [Token::Plain(&deep)];
    let text = TextArgs::Positional(&words);
    is_bounded::<Vec<serde_json::Value>>("text tower", &Args::Text(&text, None), deep.len() as u64);
    is_bounded::<(serde_json::Value,)>("text token", &Args::Text(&text, None), deep.len() as u64);
    let fields = json("{\"\":0},");
    is_bounded::<serde_json::Value>("JSON maps, Value", &Args::JsonValue(&fields), fields.len() as u64);
}

#[test]
fn compressed_bodies_pay_for_what_they_become() {
    let unit = format!("{}{},", "[".repeat(90), "]".repeat(90));
    let json = format!("[{}0]", unit.repeat(14 * MIB as usize / unit.len())).into_bytes();
    for compression in [Compression::Gzip, Compression::Zlib] {
        let compressed = compression.compress(&json);
        let body = compression.decompress(&compressed, 64 << 20).unwrap();
        let compressed_len = compressed.len();
        let args = BytesArgs {
            body: body.into(),
            content_type: ContentType::Json,
            compression,
            compressed_len,
            ..BytesArgs::default()
        };
        is_bounded::<Any>("compressed tower", &Args::Bytes(&args), compressed_len as u64);
        assert!(Args::Bytes(&args).decode::<Any>().is_err());
    }
    let zeros = vec![0; 16 << 20];
    for compression in [Compression::Snappy, Compression::Gzip, Compression::Zlib] {
        assert_eq!(compression.decompress(&compression.compress(&zeros), 64 << 20).unwrap(), zeros);
    }
    let more = Compression::Gzip.compress(&vec![0; 40 << 20]);
    assert!(Compression::Gzip.decompress(&more, 64 << 20).is_err());
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: i64,
    name: String,
    owner: String,
    count: u64,
    ratio: f64,
    enabled: bool,
    tags: Vec<String>,
    note: Option<String>,
    parts: [i64; 8],
    created: i64,
    changed: i64,
    size: u64,
    offset: u64,
    kind: u8,
    comment: String,
}

/// Sends honest data through every codec.
fn passes<T: Serialize + DeserializeOwned + PartialEq>(value: &T) {
    let type_of = TypeOf::new::<T>();
    for codec in codecs() {
        with_args(&codec, value, Some(&type_of), |args, _| {
            let decoded = args.decode::<T>().map_err(|error| format!("{}: {error}", codec.name()));
            assert!(decoded.unwrap() == *value, "{}", codec.name());
        });
    }
    let json = serde_json::to_vec(value).unwrap();
    assert!(Args::JsonValue(&json).decode::<T>().unwrap() == *value);
    let compression = Compression::Gzip;
    let compressed_len = compression.compress(&json).len();
    let body = json.into();
    let args = BytesArgs {
        body,
        content_type: ContentType::Json,
        compression,
        compressed_len,
        ..BytesArgs::default()
    };
    let limits = Limits { max_decoded_bytes: 1 << 30, ..Limits::DEFAULT };
    let decoded = Args::Bytes(&args).decode_within::<T>(&Decoding::new(&limits)).unwrap();
    assert!(decoded == *value);
}

#[test]
fn words() {
    let letters = |at: u32, place: u32| char::from(b'a' + (at / 26u32.pow(place) % 26) as u8);
    passes(
        &(0..500_000u32).map(|at| (0..3).map(|place| letters(at, place)).collect()).collect::<Vec<String>>(),
    );
}

#[test]
fn small_integers() {
    passes(&(0..10_000_000).map(|at| at % 60).collect::<Vec<i64>>());
}

#[test]
fn structs_that_are_mostly_zero() {
    let rows: Vec<_> = (0..100_000).map(|at| Row { id: at % 2, ..Row::default() }).collect();
    passes(&rows);
}

#[test]
fn the_limit_is_a_setting() {
    let thin = vec![Thin { a: 0 }; 10_000];
    for codec in codecs() {
        with_args(&codec, &thin, None, |args, _| {
            let decode = |limits: Limits| {
                let decoding = Decoding::new(&limits);
                let wide = args.decode_within::<Vec<Wide>>(&decoding);
                wide.map(|wide| (wide.len(), decoding.taken()))
            };
            let (len, taken) = decode(Limits { max_decoded_bytes: 8 << 20, ..Limits::DEFAULT }).unwrap();
            assert_eq!(len, thin.len());
            assert!((len * size_of::<Wide>()..8 << 20).contains(&taken), "{taken}");
            let refused = [
                Limits { max_decoded_bytes: 1 << 20, ..Limits::DEFAULT },
                Limits { max_decoded_total: 1 << 20, ..Limits::DEFAULT },
            ];
            for limits in refused {
                let error = decode(limits).unwrap_err();
                assert!(error.text().contains(REFUSED), "{}", error.text());
            }
        });
    }
}

/// So many levels, each of which has `A` once more behind the level within; a long text in the last.
struct Twice(usize);

impl Serialize for Twice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(if self.0 == 0 { 2 } else { 3 }))?;
        map.serialize_entry("A", &1)?;
        match self.0.checked_sub(1) {
            None => map.serialize_entry("Pad", &"x".repeat(100 << 10))?,
            Some(left) => {
                map.serialize_entry("Inner", &Self(left))?;
                map.serialize_entry("A", &2)?;
            }
        }
        map.end()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Last {
    a: i64,
    inner: Option<Box<Self>>,
}

#[test]
fn looking_for_the_last_of_equal_members_is_paid_for() {
    // A peer of gob has a struct's members once, by its type.
    for codec in codecs().into_iter().filter(|codec| !matches!(codec, AnyCodec::Gob)) {
        let limits = Limits { max_decoded_bytes: 1 << 20, ..Limits::DEFAULT };
        let decode = |levels| {
            let decode = |args: &Args<'_>, _| args.decode_within::<Last>(&Decoding::new(&limits));
            with_args(&codec, &Twice(levels), None, decode)
        };
        let last = decode(3).unwrap();
        assert_eq!((last.a, last.inner.unwrap().inner.unwrap().a), (2, 2), "{}", codec.name());
        let error = decode(90).unwrap_err();
        assert!(error.text().contains(REFUSED), "{}: {}", codec.name(), error.text());
    }
}

/// A target that takes anything where lists do not fit.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ListsOr {
    Lists(Vec<Vec<u64>>),
    Other(serde::de::IgnoredAny),
}

#[test]
fn what_was_too_large_is_nothing_else_instead() {
    #[derive(Serialize)]
    struct Sent {
        all: Vec<Vec<u64>>,
    }
    #[derive(Deserialize)]
    struct Taken {
        all: ListsOr,
    }
    let lists = Sent { all: vec![vec![7]; 1000] };
    for codec in codecs() {
        with_args(&codec, &lists, None, |args, _| {
            for (total, fits) in [(usize::MAX, true), (10 << 10, false)] {
                let limits = Limits { max_decoded_total: total, ..Limits::default() };
                let decoding = Decoding::new(&limits);
                let decoded = args.decode_within::<Taken>(&decoding).map(|taken| taken.all);
                assert_eq!(decoding.is_exceeded(), !fits, "{codec:?}");
                match decoded {
                    Ok(ListsOr::Lists(lists)) => assert!(fits && lists.len() == 1000, "{codec:?}"),
                    Ok(ListsOr::Other(_)) => panic!("{codec:?}: it became something else"),
                    Err(error) => assert!(!fits && error.text().contains(REFUSED), "{codec:?}: {error:?}"),
                }
            }
        });
    }
}
