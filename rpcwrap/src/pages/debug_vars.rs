//! `/debug/vars`: every number as one JSON object, in the form of Go's expvar.
//!
//! `connection-count` and `connection-accepted` are vitess' names; `memstats` has the members expvar tools look for.

use super::{Page, PageRequest};
use crate::{
    live::stats::{BUCKETS, bucket_end},
    pages::snapshot::Snapshot,
};
use serde_json::{Map, Value, json};
use std::fmt::Write;

pub(super) fn page(snapshot: &Snapshot, _: &PageRequest) -> Page {
    let server = &snapshot.server;
    let mut vars = Map::new();
    let mut add = |name: &str, value: Value| vars.insert(name.to_owned(), value);
    add("cmdline", json!(snapshot.process.command));
    add(
        "memstats",
        json!({
            "HeapAlloc": snapshot.process.resident_bytes,
            "Sys": snapshot.process.virtual_bytes,
            "NumGC": 0,
        }),
    );
    add("connection-count", json!(server.connections));
    add("connection-accepted", json!(server.accepted));
    add("waiting-calls", json!(snapshot.waiting_calls));
    add("uptime-seconds", json!(snapshot.uptime.as_secs()));
    add("phase", json!(format!("{:?}", snapshot.phase)));
    let counters: Map<String, Value> =
        server.counters().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    add("counters", Value::Object(counters));
    let methods: Map<String, Value> = snapshot
        .methods
        .iter()
        .map(|method| (format!("{}.{}", method.service, method.method), numbers(method)))
        .collect();
    add("methods", Value::Object(methods));

    let mut out = String::from("{\n");
    let mut separator = "";
    for (name, value) in &vars {
        // Writing to a String cannot fail.
        let _ = write!(out, "{separator}{}: {value}", json!(name));
        separator = ",\n";
    }
    out.push_str("\n}\n");
    Page::json(out)
}

fn numbers(method: &crate::call::registry::MethodInfo) -> Value {
    let stats = &method.stats;
    let filled = (0..BUCKETS).filter(|index| stats.latency[*index] > 0);
    let latency: Vec<Value> =
        filled.map(|index| json!([bucket_end(index).as_nanos() as u64, stats.latency[index]])).collect();
    let mut numbers = json!({
        "calls": stats.calls,
        "errors": stats.failed,
        "in-flight": stats.in_flight(),
        "blocked-threads": method.blocked,
        "bytes-in": stats.bytes_in,
        "bytes-out": stats.bytes_out,
        "total-ns": stats.total.as_nanos() as u64,
        // [upper end in ns, calls] of every bucket that has any.
        "latency-ns": latency,
    });
    if let Some(blocking) = method.blocking {
        numbers["blocking"] = json!({ "running": blocking.running, "queued": blocking.queued });
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn is_what_expvar_tools_read() {
        let page = page(&fixture::snapshot(), &PageRequest::default());
        assert_eq!(page.content_type, "application/json; charset=utf-8");
        let vars: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(vars["connection-count"], 307);
        assert_eq!(vars["connection-accepted"], 900_001);
        assert_eq!(vars["cmdline"][1], "--listen=\"x\"");
        assert_eq!(vars["memstats"], json!({ "HeapAlloc": 5_242_880, "Sys": 231_735_296, "NumGC": 0 }));
        assert_eq!(vars["counters"]["probes"], 900_003);
        let divide = &vars["methods"]["Arith.Divide"];
        assert_eq!(
            (&divide["calls"], &divide["errors"], &divide["in-flight"]),
            (&json!(81), &json!(3), &json!(1))
        );
        assert_eq!(divide["latency-ns"][0][1], 80);
        assert!(page.body.starts_with("{\n\"cmdline\": ["), "one variable per line, as expvar");
    }
}
