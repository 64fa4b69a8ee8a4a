//! The shortest client: dial, call, and what an error says.
//!
//! Calls the server at the address given, such as `rpcwrapd` or a Go program with `jsonrpc` over CONNECT; without an
//! address, one of its own.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{Server, Service};
use rpcwrap_client::{AnyCodec, Error, dial_http};
use serde::{Deserialize, Serialize};

/// Members are named as Go names them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = server()?;
    let addr = match std::env::args().nth(1) {
        Some(addr) => addr,
        None => server.listen("127.0.0.1:0").await?.to_string(),
    };

    let client = dial_http(&addr, AnyCodec::Json).await?;
    let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await?;
    println!("7 * 8 = {product}");
    let quotient: Quotient = client.call("Arith.Divide", &Args { a: 7, b: 2 }).await?;
    println!("7 / 2 = {quotient:?}");

    // An error says whose it is, and whether the method may have run: whether calling again may do the work twice.
    let failed: Result<Quotient, Error> = client.call("Arith.Divide", &Args { a: 7, b: 0 }).await;
    match failed {
        Err(Error::Server { text, .. }) => println!("7 / 0: the server says {text:?}"),
        other => println!("7 / 0: {other:?}"),
    }
    client.close().await;
    let failed: Result<i64, Error> = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await;
    if let Err(error) = failed {
        println!("after close: {error}; may have executed: {}", error.may_have_executed());
    }
    Ok(())
}

fn server() -> Result<Server, rpcwrap::ConfigError> {
    let divide = |args: Args| async move {
        match args.b {
            0 => Err("divide by zero".into()),
            b => Ok(Quotient { quo: args.a / b, rem: args.a % b }),
        }
    };
    let arith = Service::new("Arith")
        .method("Multiply", |args: Args| async move { Ok(args.a * args.b) })
        .method("Divide", divide);
    Server::builder().service(arith).build()
}
