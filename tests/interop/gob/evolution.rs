//! Types that have changed on one side.

use super::{
    Cases, GoServer, Outcome,
    calls::multiply,
    equal,
    samples::{all_bytes, inner, some_times},
    values::gives,
};
use rpcwrap::codecs::types::{BinaryMarshaled, Blob, Complex, Time};
use rpcwrap_client::{Client, Error};
use rpcwrap_tests::gob_services::{
    interfaces::{Square, Value},
    types::{Args, Inner, Narrow, Ping, Record, Tree},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// What was added between the fields of a record, and what was not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    before: String,
    #[serde(rename = "ID")]
    id: i64,
    blob: Blob,
    name: String,
    deep: BTreeMap<String, Vec<Tree>>,
    tags: Vec<String>,
    any: Option<Value>,
    scores: BTreeMap<String, f64>,
    at: Time,
    inner: Inner,
    array: [u16; 4],
    ptr: Option<Inner>,
    recursive: Option<Ping>,
    count: u64,
    complex: Complex,
    opaque: BinaryMarshaled,
    after: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Removed {
    name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reordered {
    count: u64,
    ptr: Option<Inner>,
    inner: Inner,
    scores: BTreeMap<String, f64>,
    tags: Vec<String>,
    name: String,
    #[serde(rename = "ID")]
    id: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Optional {
    #[serde(rename = "ID")]
    id: Option<i64>,
    name: Option<String>,
    tags: Option<Vec<String>>,
    inner: Option<Inner>,
    ptr: Inner,
    count: Option<u64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Narrower {
    #[serde(rename = "ID")]
    id: i8,
    scores: BTreeMap<String, f32>,
    count: u16,
}

fn record() -> Record {
    Record {
        id: 7,
        name: "name".to_owned(),
        tags: vec!["a".to_owned(), String::new()],
        scores: [("x".to_owned(), 0.5)].into(),
        inner: inner("in", -1),
        ptr: Some(inner("", 2)),
        count: 9,
    }
}

fn added() -> Added {
    let Record { id, name, tags, scores, inner, ptr, count } = record();
    Added {
        before: "b".to_owned(),
        id,
        blob: all_bytes(),
        name,
        deep: [("t".to_owned(), vec![Tree::of_depth(4, 0)])].into(),
        tags,
        any: Some(Value::Square(Square { side: 1 })),
        scores,
        at: some_times()[0],
        inner,
        array: [1, 0, 3, 0],
        ptr,
        recursive: Some(Ping { n: 1, pong: Some(Box::default()) }),
        count,
        complex: Complex::new(0.0, 1.0),
        opaque: BinaryMarshaled(b"V\x01\x01".to_vec()),
        after: true,
    }
}

fn reordered() -> Reordered {
    let Record { id, name, tags, scores, inner, ptr, count } = record();
    Reordered { count, ptr, inner, scores, tags, name, id }
}

fn optional() -> Optional {
    let Record { id, name, tags, inner, count, .. } = record();
    let (ptr, inner) = (super::samples::inner("", 2), Some(inner));
    Optional { id: Some(id), name: Some(name), tags: Some(tags), inner, ptr, count: Some(count) }
}

pub(super) async fn cases(cases: &mut Cases, server: &GoServer) {
    cases
        .case("argument_of_another_version", async || {
            let client = server.dial().await?;
            for _ in 0..2 {
                gives(&client, "Evolve.Record", &added(), &record()).await?;
                let only_name = Record { name: "only".to_owned(), ..Record::default() };
                gives(&client, "Evolve.Record", &Removed { name: "only".to_owned() }, &only_name).await?;
                gives(&client, "Evolve.Record", &reordered(), &record()).await?;
                let without_scores = Record { scores: BTreeMap::new(), ..record() };
                gives(&client, "Evolve.Record", &optional(), &without_scores).await?;
                let narrower = Narrower { id: -7, scores: [("x".to_owned(), 0.5)].into(), count: 9 };
                let as_record = Record { id: -7, scores: record().scores, count: 9, ..Record::default() };
                gives(&client, "Evolve.Record", &narrower, &as_record).await?;
            }
            Ok(())
        })
        .await;
    cases
        .case("reply_of_another_version", async || {
            let client = server.dial().await?;
            for _ in 0..2 {
                gives(&client, "Evolve.Record", &record(), &Removed { name: "name".to_owned() }).await?;
                gives(&client, "Evolve.Record", &record(), &reordered()).await?;
                gives(&client, "Evolve.Record", &record(), &optional()).await?;
                let narrower = Narrower { id: 7, scores: [("x".to_owned(), 0.5)].into(), count: 9 };
                gives(&client, "Evolve.Record", &record(), &narrower).await?;
                gives(&client, "Evolve.Record", &record(), &record()).await?;
            }
            Ok(())
        })
        .await;
    cases
        .case("reply_lacks_fields", async || {
            // As in Go: what the server does not know of is zero.
            let reply: Added = server.dial().await?.call("Evolve.Record", &record()).await?;
            let Added { before, blob, any, at, array, after, id, .. } = reply;
            equal((before.as_str(), blob, any, after, id), ("", Blob::default(), None, false, 7))?;
            equal((at, array), (Time::default(), [0; 4]))
        })
        .await;
    cases
        .case("reply_does_not_fit", async || {
            let client = server.dial().await?;
            misfit::<_, String>(&client, "Arith.Multiply", &Args { a: 1, b: 1 }).await?;
            misfit::<_, u64>(&client, "Arith.Multiply", &Args { a: 1, b: 1 }).await?;
            misfit::<_, f64>(&client, "Arith.Multiply", &Args { a: 1, b: 1 }).await?;
            misfit::<_, i8>(&client, "Arith.Multiply", &Args { a: 100, b: 100 }).await?;
            misfit::<_, Args>(&client, "Arith.Divide", &Args { a: 100, b: 100 }).await?;
            misfit::<_, Vec<i64>>(&client, "Echo.Inner", &inner("n", 1)).await?;
            misfit::<_, Inner>(&client, "Echo.Strings", &["a"].to_vec()).await?;
            misfit::<_, Vec<i64>>(&client, "Echo.Strings", &["a"].to_vec()).await?;
            misfit::<_, [i64; 4]>(&client, "Echo.Triple", &[1_i64; 3]).await?;
            misfit::<_, Blob>(&client, "Echo.String", &"text").await?;
            misfit::<_, String>(&client, "Make.Holder", &"square").await
        })
        .await;
    cases
        .case("argument_does_not_fit", async || {
            let client = server.dial().await?;
            for (wanted, number) in
                [("value for \"I8\" out of range", 128_i64), ("value for \"I8\" out of range", -129)]
            {
                refused(&client, "Evolve.Narrow", &BTreeMap::from([("I8", number)]), "want struct type")
                    .await?;
                refused(&client, "Evolve.Narrow", &Wide { i8: number }, wanted).await?;
            }
            gives(&client, "Evolve.Narrow", &Wide { i8: 127 }, &Narrow { i8: 127, ..Narrow::default() })
                .await?;
            refused(&client, "Arith.Multiply", &inner("n", 1), "no fields matched").await?;
            refused(&client, "Arith.Multiply", &"text", "").await?;
            refused(&client, "Echo.Int", &5_u64, "").await?;
            refused(&client, "Echo.Uint", &5_i64, "").await?;
            refused(&client, "Echo.Float64", &5_i64, "").await?;
            refused(&client, "Echo.Bytes", &"text", "").await?;
            refused(&client, "Echo.Bytes", &[1_u8, 2].to_vec(), "").await?;
            refused(&client, "Echo.Ints", &[1_i64; 3], "").await
        })
        .await;
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wide {
    i8: i64,
}

/// A statement that the reply does not fit `R`, and that only this call fails of it.
async fn misfit<A, R>(client: &Client, method: &str, args: &A) -> Outcome
where
    A: Serialize + Debug,
    R: DeserializeOwned + Debug,
{
    for _ in 0..2 {
        match client.call::<A, R>(method, args).await {
            Err(Error::Decode(_)) => multiply(client, 6, 7).await?,
            other => return Err(format!("{method}({args:?}): {other:?}").into()),
        }
    }
    Ok(())
}

/// A statement that the server refuses the argument in words that say `word`, and that the connection lives on.
async fn refused<A: Serialize + Debug>(client: &Client, method: &str, args: &A, word: &str) -> Outcome {
    for _ in 0..2 {
        match client.call::<A, serde::de::IgnoredAny>(method, args).await {
            Err(Error::Server { text, .. }) if text.contains(word) => multiply(client, 6, 7).await?,
            other => return Err(format!("{method}({args:?}): {other:?}").into()),
        }
    }
    Ok(())
}
