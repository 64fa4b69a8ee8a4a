//! `Arith`, the example of Go's `net/rpc`: pure computation, the shortest way through the server.

use rpcwrap::{Error, Method, Service};
use serde::{Deserialize, Serialize};

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

pub(super) fn service() -> Service {
    let add = |args: Args| async move { Ok(args.a.wrapping_add(args.b)) };
    let multiply = |args: Args| async move { Ok(args.a.wrapping_mul(args.b)) };
    Service::new("Arith")
        .doc("Arithmetic on 64-bit integers, wrapping as Go's.")
        .with(Method::new("Add", add).doc("A + B").read_only())
        .with(Method::new("Multiply", multiply).doc("A * B").read_only())
        .with(Method::new("Divide", divide).doc("A / B and the remainder; B = 0 is an error").read_only())
}

async fn divide(Args { a, b }: Args) -> Result<Quotient, Error> {
    if b == 0 {
        return Err("divide by zero".into());
    }
    Ok(Quotient { quo: a.wrapping_div(b), rem: a.wrapping_rem(b) })
}
