//! Errors, many calls at once, large messages, ways to dial.

use super::{Cases, GoServer, Outcome, equal, values::gives};
use rpcwrap::codecs::types::{Blob, Time};
use rpcwrap_client::{AnyCodec, Client, Config, DialError, Error, dial};
use rpcwrap_tests::gob_services::{
    interfaces::{Holder, Square, Value},
    types::{Args, Empty, Inner, Meeting, Quotient, Tree},
};
use serde::Serialize;
use std::{fmt::Debug, time::Duration};

pub(super) async fn multiply(client: &Client, a: i64, b: i64) -> Outcome {
    gives(client, "Arith.Multiply", &Args { a, b }, &a.wrapping_mul(b)).await
}

/// A statement that the server says that text, and that the connection lives on.
async fn fails<A: Serialize + Debug>(client: &Client, method: &str, args: &A, wanted: &str) -> Outcome {
    match client.call::<A, i64>(method, args).await {
        Err(Error::Server { text, .. }) => equal(text.as_str(), wanted)?,
        other => return Err(format!("{method}({args:?}): {other:?}").into()),
    }
    multiply(client, 3, 4).await
}

/// What each way of reaching the server has to carry.
async fn every_kind(client: &Client) -> Outcome {
    multiply(client, 7, 8).await?;
    fails(client, "Arith.Divide", &Args { a: 1, b: 0 }, "divide by zero").await?;
    fails(client, "Nope.Nope", &Args::default(), "rpc: can't find service Nope.Nope").await?;
    let holder = Holder { v: Some(Value::Square(Square { side: 1 })) };
    gives(client, "Echo.Holder", &holder, &holder).await?;
    gives(client, "Echo.Tree", &Tree::of_depth(4, 0), &Tree::of_depth(4, 0)).await?;
    gives(client, "Echo.Time", &Time::default(), &Time::default()).await
}

pub(super) async fn cases(cases: &mut Cases, server: &GoServer) {
    errors(cases, server).await;
    concurrency(cases, server).await;
    dials(cases, server).await;
}

async fn errors(cases: &mut Cases, server: &GoServer) {
    cases
        .case("errors_of_methods", async || {
            let client = server.dial().await?;
            let long = "long ".repeat(20_000);
            for text in ["divide by zero", "quoted \"é\"\n", "EOS", &long] {
                fails(&client, "Fail.With", &text, text).await?;
            }
            fails(&client, "Fail.Late", &Empty {}, "too late").await?;
            gives(&client, "Fail.Empty", &Empty {}, &0_i64).await?;
            gives(&client, "Arith.Divide", &Args { a: 17, b: 5 }, &Quotient { quo: 3, rem: 2 }).await
        })
        .await;
    cases
        .case("names_that_are_not_there", async || {
            let client = server.dial().await?;
            for (method, text) in [
                ("Nope.Multiply", "rpc: can't find service Nope.Multiply"),
                ("Arith.Nope", "rpc: can't find method Arith.Nope"),
                ("Arith.", "rpc: can't find method Arith."),
                ("Multiply", "rpc: service/method request ill-formed: Multiply"),
                ("", "rpc: service/method request ill-formed: "),
            ] {
                fails(&client, method, &Args { a: 1, b: 1 }, text).await?;
                fails(&client, method, &Tree::of_depth(3, 0), text).await?;
            }
            gives(&client, "ns.Arith.Multiply", &Args { a: 7, b: 8 }, &56_i64).await
        })
        .await;
    cases
        .case("argument_that_gob_has_no_form_for", async || {
            let client = server.dial().await?;
            for _ in 0..2 {
                let refused: Result<i64, Error> = client.call("Arith.Multiply", &(1_u128, "x")).await;
                equal(matches!(refused, Err(Error::Encode(_))), true)?;
                multiply(&client, 6, 7).await?;
            }
            // Behind the last of the late replies.
            client.call::<_, i64>("Gate.Sleep", &400).await?;
            multiply(&client, 6, 7).await
        })
        .await;
}

async fn concurrency(cases: &mut Cases, server: &GoServer) {
    cases
        .case("replies_out_of_order", async || {
            let client = server.dial().await?;
            let waiting = tokio::spawn({
                let client = client.clone();
                async move { client.call::<_, String>("Gate.Wait", "ours").await }
            });
            for n in 0..20 {
                multiply(&client, n, 3).await?;
            }
            equal(waiting.is_finished(), false)?;
            let _: Empty = client.call("Gate.Open", "ours").await?;
            equal(waiting.await??.as_str(), "ours")
        })
        .await;
    cases
        .case("calls_run_at_the_same_time", async || {
            let client = server.dial().await?;
            let meeting = Meeting { key: "ours to meet".to_owned(), calls: 100 };
            let calls = (0..100).map(|_| client.call::<_, i64>("Gate.Meet", &meeting));
            for met in futures_util::future::join_all(calls).await {
                equal(met?, 100)?;
            }
            Ok(())
        })
        .await;
    cases
        .case("1000_concurrent_calls", async || {
            let client = server.dial().await?;
            let calls = (0..1000_i64).map(|n| {
                let client = &client;
                async move {
                    let holder = Holder { v: Some(Value::Square(Square { side: n })) };
                    match n % 4 {
                        0 => multiply(client, n, 3).await,
                        1 => gives(client, "Gate.Sleep", &(n % 7), &(n % 7)).await,
                        2 => fails(client, "Arith.Divide", &Args { a: n, b: 0 }, "divide by zero").await,
                        _ => gives(client, "Echo.Holder", &holder, &holder).await,
                    }
                }
            });
            futures_util::future::join_all(calls).await.into_iter().collect()
        })
        .await;
    cases
        .case("large_messages", async || {
            let client = server.dial().await?;
            for n in [0, 1, 1 << 16, 8 << 20] {
                let bytes = Blob((0..n).map(|i: i64| i.to_le_bytes()[0]).collect());
                let got: Blob = client.call("Big.Bytes", &n).await?;
                equal(got == bytes, true)?;
                gives(&client, "Big.Length", &bytes, &n).await.map_err(|_| "wrong length")?;
            }
            let rows: Vec<Inner> = client.call("Big.Rows", &50_000).await?;
            equal((rows.len(), rows.last().map(|row| row.n)), (50_000, Some(49_999)))
        })
        .await;
    cases
        .case("dropped_and_late_calls", async || {
            let client = server.dial().await?;
            for _ in 0..10 {
                let slow = client.call::<_, i64>("Gate.Sleep", &300);
                let given_up = tokio::time::timeout(Duration::from_millis(1), slow).await;
                equal(given_up.is_err(), true)?;
                let late = client.request("Gate.Sleep").timeout(Duration::from_millis(2));
                let late: Result<i64, Error> = late.call(&300).await;
                equal(matches!(late, Err(Error::Timeout { sent: true, .. })), true)?;
                multiply(&client, 6, 7).await?;
            }
            // Behind the last of the late replies.
            client.call::<_, i64>("Gate.Sleep", &400).await?;
            multiply(&client, 6, 7).await
        })
        .await;
}

async fn dials(cases: &mut Cases, server: &GoServer) {
    for path in ["/_goRPC_", "/_gob_rpc_", "/_custom_rpc_"] {
        cases.case(&format!("dial {path}"), async || every_kind(&server.dial_path(path).await?).await).await;
    }
    cases
        .case("dial_unknown_path", async || {
            let refused = server.dial_path("/_nothing_").await;
            equal(matches!(refused, Err(DialError::Handshake(_))), true)
        })
        .await;
    cases.case("dial_raw", async || every_kind(&dial(&server.raw, AnyCodec::Gob).await?).await).await;
    cases
        .case("dial_raw_jsonrpc", async || {
            let client = dial(&server.raw_json, AnyCodec::Json).await?;
            multiply(&client, 7, 8).await?;
            gives(&client, "Echo.Tree", &Tree::of_depth(4, 0), &Tree::of_depth(4, 0)).await
        })
        .await;
    cases
        .case("header_fields_of_ours_are_skipped", async || {
            let config = Config::default().extensions(true).call_timeout(Some(Duration::from_secs(5)));
            let client = config.dial_http_path(&server.addr, "/_goRPC_", AnyCodec::Gob).await?;
            every_kind(&client).await?;
            every_kind(&client).await
        })
        .await;
}
