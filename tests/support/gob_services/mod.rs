//! The services of tests/interop/go/gobserver, in Rust: what a Go program calls by gob, and what the tests call there.

pub mod interfaces;
pub mod look;
pub mod types;

use self::{
    interfaces::{Holder, Mixed, Value},
    types::{
        Args, Arrays, CountArgs, CountReply, Dir, Embedded, Empty, Inner, Lists, Maps, Meeting, Named,
        Narrow, Nested, Node, Opaques, Ping, Point, Pointers, Quotient, Record, Rose, Scalars, Times, Tree,
    },
};
use futures_util::{Stream, StreamExt, stream};
use rpcwrap::{
    Builder, Error, Method, Server, Service,
    codecs::types::{BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time},
    with_reply_type,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// A server with all of them.
#[must_use]
pub fn services() -> Builder {
    let services = [
        arith("Arith"),
        arith("ns.Arith"),
        fail(),
        echo(),
        look::look(),
        look::make(),
        evolve(),
        Gates::default().service(),
        big(),
        streams(),
    ];
    services.into_iter().fold(Server::builder(), Builder::service)
}

fn arith(name: &str) -> Service {
    let multiply = |args: Args| async move { Ok(args.a.wrapping_mul(args.b)) };
    Service::new(name).method("Multiply", with_reply_type(multiply)).method("Divide", with_reply_type(divide))
}

async fn divide(args: Args) -> Result<Quotient, Error> {
    let quo = args.a.checked_div(args.b).ok_or_else(|| Error::new("divide by zero"))?;
    Ok(Quotient { quo, rem: args.a.wrapping_rem(args.b) })
}

fn fail() -> Service {
    // A Go method that fails without a text has succeeded, as far as its caller can tell.
    let with = |text: String| async move { if text.is_empty() { Ok(0_i64) } else { Err(Error::new(text)) } };
    Service::new("Fail")
        .method("With", with)
        .method("Late", |_: Empty| async move { Err::<Lists, _>("too late".into()) })
        .method("Empty", |_: Empty| async move { Ok(0_i64) })
        .method("EOS", |_: Empty| async move { Err::<i64, _>("EOS".into()) })
}

fn same<T: DeserializeOwned + Serialize + Send + 'static>(name: &str) -> Method {
    Method::new(name, with_reply_type(|value: T| async move { Ok(value) }))
}

fn echo() -> Service {
    let service = Service::new("Echo")
        .with(same::<i64>("Int"))
        .with(same::<i8>("Int8"))
        .with(same::<i16>("Int16"))
        .with(same::<i32>("Int32"))
        .with(same::<i64>("Int64"))
        .with(same::<u64>("Uint"))
        .with(same::<u8>("Uint8"))
        .with(same::<u16>("Uint16"))
        .with(same::<u32>("Uint32"))
        .with(same::<u64>("Uint64"))
        .with(same::<f32>("Float32"))
        .with(same::<f64>("Float64"))
        .with(same::<Complex>("Complex64"))
        .with(same::<Complex>("Complex128"))
        .with(same::<bool>("Bool"))
        .with(same::<Text>("String"))
        .with(same::<Blob>("Bytes"))
        .with(same::<Vec<i64>>("Ints"))
        .with(same::<Vec<i8>>("Int8s"))
        .with(same::<Vec<u16>>("Uint16s"))
        .with(same::<Vec<f64>>("Floats"))
        .with(same::<Vec<bool>>("Bools"))
        .with(same::<Vec<Text>>("Strings"))
        .with(same::<Vec<Blob>>("ByteSlices"))
        .with(same::<Vec<Point>>("Points"))
        .with(same::<Vec<Vec<Point>>>("Grid"))
        .with(same::<[i64; 3]>("Triple"))
        .with(same::<[u8; 4]>("Quad"))
        .with(same::<Lists>("Lists"))
        .with(same::<Arrays>("Arrays"))
        .with(same::<BTreeMap<Text, i64>>("StringInts"))
        .with(same::<BTreeMap<i64, String>>("IntStrings"))
        .with(same::<BTreeMap<String, Inner>>("Inners"))
        .with(same::<BTreeMap<Point, String>>("PointStrings"))
        .with(same::<Maps>("Maps"));
    echo_of_structs(service)
}

fn echo_of_structs(service: Service) -> Service {
    service
        .with(same::<Empty>("Empty"))
        .with(same::<Inner>("Inner"))
        .with(same::<Scalars>("Scalars"))
        .with(same::<Nested>("Nested"))
        .with(same::<Pointers>("Pointers"))
        .with(same::<Embedded>("Embedded"))
        .with(same::<Node>("Node"))
        .with(same::<Tree>("Tree"))
        .with(same::<Dir>("Dir"))
        .with(same::<Ping>("Ping"))
        .with(same::<Rose>("Rose"))
        .with(same::<i64>("Level"))
        .with(same::<Vec<String>>("Labels"))
        .with(same::<Blob>("Raw"))
        .with(same::<BTreeMap<String, i64>>("Table"))
        .with(same::<Named>("Named"))
        .with(same::<i64>("Duration"))
        .with(same::<Time>("Time"))
        .with(same::<Times>("Times"))
        .with(same::<GobEncoded>("Celsius"))
        .with(same::<BinaryMarshaled>("Version"))
        .with(same::<GobEncoded>("BigInt"))
        .with(same::<Opaques>("Opaques"))
        .with(same::<Value>("Any"))
        .with(same::<Vec<Option<Value>>>("Anys"))
        .with(same::<Holder>("Holder"))
        .with(same::<Mixed>("Mixed"))
}

fn evolve() -> Service {
    Service::new("Evolve").with(same::<Record>("Record")).with(same::<Narrow>("Narrow"))
}

fn big() -> Service {
    let row = |n: i64| Inner { name: (0..n % 10).map(|_| 'x').collect(), n };
    Service::new("Big")
        .method("Bytes", |n: i64| async move { Ok(Blob((0..n).map(|i| i.to_le_bytes()[0]).collect())) })
        .method("Rows", with_reply_type(move |n: i64| async move { Ok((0..n).map(row).collect::<Vec<_>>()) }))
        .method("Length", |value: Blob| async move { Ok(value.len() as i64) })
}

fn streams() -> Service {
    let item = |args: CountArgs, index| {
        if index > 0 && index == args.error_at {
            return Err(Error::new("triggered error in middle"));
        }
        Ok(CountReply { c: args.n, index })
    };
    let count = move |args: CountArgs| -> _ { stream::iter((0..args.n).map(move |index| item(args, index))) };
    Service::new("Stream").stream("Count", count).stream("Endless", |_: Empty| endless())
}

/// One item, and then nothing for ever: what only a cancellation ends.
fn endless() -> impl Stream<Item = Result<CountReply, Error>> {
    stream::iter([Ok(CountReply { c: 1, index: 0 })]).chain(stream::pending())
}

/// Calls that wait for one another, by their key.
#[derive(Debug, Clone, Default)]
struct Gates(Arc<Mutex<HashMap<String, Gate>>>);

/// Closed until its semaphore is.
#[derive(Debug, Clone)]
struct Gate {
    opened: Arc<Semaphore>,
    inside: i64,
}

impl Gates {
    /// Notes one call more; gives what to wait for, and how many there are now.
    fn enter(&self, key: String) -> (Arc<Semaphore>, i64) {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gate =
            gates.entry(key).or_insert_with(|| Gate { opened: Arc::new(Semaphore::new(0)), inside: 0 });
        gate.inside += 1;
        (gate.opened.clone(), gate.inside)
    }

    fn service(self) -> Service {
        let (opening, meeting) = (self.clone(), self.clone());
        Service::new("Gate")
            .method("Wait", move |key: String| {
                let (opened, _) = self.enter(key.clone());
                async move {
                    // A semaphore without permits can only be closed.
                    opened.acquire().await.err();
                    Ok(key)
                }
            })
            .method("Open", move |key: String| {
                opening.enter(key).0.close();
                async move { Ok(Empty {}) }
            })
            .method("Meet", move |Meeting { key, calls }: Meeting| {
                let (opened, inside) = meeting.enter(key);
                if inside == calls {
                    opened.close();
                }
                async move {
                    opened.acquire().await.err();
                    Ok(calls)
                }
            })
            .method("Sleep", |ms: i64| async move {
                tokio::time::sleep(Duration::from_millis(ms.unsigned_abs())).await;
                Ok(ms)
            })
    }
}
