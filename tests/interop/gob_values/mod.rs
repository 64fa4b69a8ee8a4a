//! Real gob judges our codec value by value: what we encode Go decodes and encodes again, and it comes back the same.
//!
//! Random values of types that both sides have ([`family`]), written by their traced types and by what they show; and
//! random values of random types ([`random`]), which Go makes by reflection and whose values it says in words too.

mod family;
mod random;
mod words;

use family::{Chance, Make};
use random::{Type, Value};
use rpcwrap::codecs::{
    CallOptions, Limits, Reply,
    gob::{ReplyDecoder, RequestEncoder, value_from_slice},
    schema::TypeOf,
    types::Any,
};
use rpcwrap_tests::{peer::Go, process::Process};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::Debug,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(20);
/// What an error has to say that a value alone is not enough to go by.
const HIDDEN: &str = "does not show";

/// Go's side, and connections to it.
struct Judge {
    process: Process,
    addr: String,
}

impl Judge {
    fn start(go: Go) -> Self {
        let program = go.program("gobpeer").unwrap_or_else(|error| panic!("{error}"));
        // A zone of its own, so that times tell whose zone they are in.
        let mut command = Command::new(program);
        let process = Process::start(command.env("TZ", "Asia/Kathmandu")).unwrap();
        let addr = process.stdout.line("listening on ", LIMIT);
        let addr = addr.unwrap_or_else(|| panic!("no address\n{process}"));
        Self { process, addr }
    }

    fn connect(&self) -> Conn<'_> {
        let stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Conn {
            judge: self,
            stream,
            encoder: RequestEncoder::new(),
            decoder: ReplyDecoder::new(Limits::default()),
            seq: 0,
        }
    }
}

struct Conn<'j> {
    judge: &'j Judge,
    stream: TcpStream,
    encoder: RequestEncoder,
    decoder: ReplyDecoder,
    seq: u64,
}

impl Conn<'_> {
    /// Sends a value of a type that Go knows as `go`; its echo, or why we refused to write it or Go to read it.
    fn echo<T: Serialize + Debug>(
        &mut self,
        go: &str,
        value: &T,
        type_of: Option<&TypeOf>,
    ) -> Result<Reply, String> {
        let mut bytes = Default::default();
        self.encoder
            .encode(self.seq, go, CallOptions::default(), value, type_of, &mut bytes)
            .map_err(|error| error.to_string())?;
        self.stream.write_all(&bytes).unwrap();
        bytes.clear();
        let mut chunk = [0; 1 << 16];
        loop {
            if let Some(reply) = self.decoder.decode(&mut bytes).unwrap() {
                assert_eq!(reply.seq(), self.seq);
                self.seq += 1;
                return match reply.error() {
                    None => Ok(reply),
                    Some(error) => Err(format!("Go says {}", error.text)),
                };
            }
            match self.stream.read(&mut chunk) {
                Ok(len @ 1..) => bytes.extend_from_slice(&chunk[..len]),
                end => panic!("{go}: {value:?}: {end:?}\n{}", self.judge.process),
            }
        }
    }
}

/// Sends random values of `T` by both ways of knowing their type; how many were refused by what they show.
fn check<T>(judge: &Judge, chance: &mut Chance, go: &str, count: usize) -> usize
where
    T: Make + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let type_of = TypeOf::new::<T>();
    let (mut traced, mut shown, mut hidden) = (judge.connect(), judge.connect(), 0);
    for _ in 0..count {
        let value = T::make(chance);
        let same = |reply: &Reply| {
            let echo = value_from_slice::<T>(reply.types().unwrap(), reply.body());
            assert_eq!(echo.as_ref(), Ok(&value), "{go}, {chance:?}");
        };
        match traced.echo(go, &value, Some(&type_of)) {
            Ok(reply) => same(&reply),
            Err(error) => panic!("{go}: {value:?}: {error}, {chance:?}"),
        }
        match shown.echo(go, &value, None) {
            Ok(reply) => same(&reply),
            Err(error) if error.contains(HIDDEN) => hidden += 1,
            Err(error) => panic!("{go}: {value:?}: {error}, {chance:?}"),
        }
    }
    hidden
}

fn types_of_both_sides(go: Go) {
    let (judge, mut chance) = (Judge::start(go), Chance::new());
    macro_rules! family {
        ($($type:ty => $go:expr,)*) => {$({
            let hidden = check::<$type>(&judge, &mut chance, $go, 150);
            assert!(hidden < 100 || $go.contains("Tree"), "{}: {hidden} were refused", $go);
        })*};
    }
    family! {
        bool => "bool",
        i8 => "int8",
        i32 => "int",
        i64 => "int64",
        u16 => "uint16",
        u64 => "uint",
        f32 => "float32",
        f64 => "float64",
        String => "string",
        rpcwrap::codecs::types::Text => "string",
        rpcwrap::codecs::types::Blob => "bytes",
        rpcwrap::codecs::types::Complex => "complex",
        rpcwrap::codecs::types::Time => "time",
        Any => "any",
        Vec<i64> => "IDs",
        Vec<Vec<String>> => "[] [] string",
        [i16; 3] => "[3] int16",
        std::collections::BTreeMap<String, f64> => "map string float64",
        family::Celsius => "Celsius",
        family::Args => "Args",
        family::Scalars => "Scalars",
        family::Lists => "Lists",
        family::Maps => "Maps",
        family::Arrays => "Arrays",
        family::Nested => "Nested",
        family::Pointers => "Pointers",
        family::Node => "Node",
        family::Tree => "Tree",
        family::Left => "Left",
        family::Times => "Times",
        family::Mixed => "Mixed",
        family::Embedding => "Embedding",
        family::Page => "Page",
        Vec<family::Page> => "[] struct { Total int Rows [] struct { ID uint64 Name string Tags [] string At time \
                              Args * struct { A int B int } } Index map string struct { ID uint64 Name string \
                              Tags [] string At time Args * struct { A int B int } } }",
    }
}

fn types_made_up_on_the_spot(go: Go) {
    let (judge, mut chance) = (Judge::start(go), Chance::new());
    let (mut sent, mut hidden) = (0, 0);
    while sent < 10_000 {
        let mut conn = judge.connect();
        for _ in 0..50 {
            let kind = Type::random(&mut chance);
            let go = kind.to_string();
            for _ in 0..5 {
                let value = Value::random(&kind, &mut chance);
                let reply = match conn.echo(&go, &value, None) {
                    Ok(reply) => reply,
                    Err(error) => {
                        assert!(error.contains(HIDDEN), "{go}: {value:?}: {error}, {chance:?}");
                        hidden += 1;
                        continue;
                    }
                };
                let understood = String::from_utf8_lossy(reply.service_method());
                assert_eq!(understood, value.words(), "{go}: {value:?}, {chance:?}");
                let echo = value_from_slice::<Any>(reply.types().unwrap(), reply.body()).unwrap();
                assert_eq!(kind.words(&echo), value.loose_words(), "{go}: {value:?}, {chance:?}");
                sent += 1;
            }
        }
    }
    assert!(hidden < sent / 5, "{hidden} were refused, {sent} were sent");
}

#[test]
#[ignore = "needs go: run tests/run"]
fn types_of_both_sides_and_the_newest_go() {
    types_of_both_sides(Go::Newest);
}

#[test]
#[ignore = "needs go: run tests/run"]
fn types_of_both_sides_and_the_oldest_go() {
    types_of_both_sides(Go::Oldest);
}

#[test]
#[ignore = "needs go: run tests/run"]
fn types_made_up_on_the_spot_and_the_newest_go() {
    types_made_up_on_the_spot(Go::Newest);
}

#[test]
#[ignore = "needs go: run tests/run"]
fn types_made_up_on_the_spot_and_the_oldest_go() {
    types_made_up_on_the_spot(Go::Oldest);
}
