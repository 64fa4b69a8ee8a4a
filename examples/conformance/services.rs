//! Methods that do something: compute, fail, stream, wait, ask who calls.

use futures_util::{Stream, stream};
use rpcwrap::{Context, Error, Service, codecs::types::Text};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

pub(crate) fn arith() -> Service {
    Service::new("Arith")
        .method("Multiply", |args: Args| async move { Ok(args.a.wrapping_mul(args.b)) })
        .method("Divide", divide)
        .method("Error", |_: Args| async { fail("app error: \"quoted\" <tag> é\n") })
        // The original returns an error without a text here, which its wire cannot tell from a success.
        .method("EmptyError", |_: Args| async { Ok(0i64) })
        .method("EOSError", |_: Args| async { fail("EOS") })
}

async fn divide(Args { a, b }: Args) -> Result<Quotient, Error> {
    match b {
        0 => Err("divide by zero".into()),
        _ => Ok(Quotient { quo: a.wrapping_div(b), rem: a.wrapping_rem(b) }),
    }
}

fn fail(text: &'static str) -> Result<i64, Error> {
    Err(text.into())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct CountArgs {
    n: i64,
    error_at: i64,
    bad_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counted {
    c: i64,
    index: i64,
}

pub(crate) fn stream() -> Service {
    Service::new("Stream").stream("Count", count)
}

fn count(CountArgs { n, error_at, bad_at }: CountArgs) -> impl Stream<Item = Result<Counted, Error>> {
    stream::iter((0..n).map(move |index| match index {
        0 => Ok(Counted { c: n, index }),
        _ if index == error_at => Err("triggered error in middle".into()),
        // The original sends an item of another type; here the compiler would not let it.
        _ if index == bad_at => Err("rpc: passing wrong type to sendReply".into()),
        _ => Ok(Counted { c: n, index }),
    }))
}

pub(crate) fn slow() -> Service {
    Service::new("Slow").method("Sleep", |ms: i64| async move {
        tokio::time::sleep(Duration::from_millis(ms.try_into().unwrap_or(0))).await;
        Ok(ms)
    })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Who {
    addr: String,
    user: String,
}

pub(crate) fn ctx() -> Service {
    Service::new("Ctx").method("Who", |cx: Context, _: Text| async move {
        Ok(Who { addr: cx.peer_addr().to_string(), user: cx.user().unwrap_or_default().to_owned() })
    })
}
