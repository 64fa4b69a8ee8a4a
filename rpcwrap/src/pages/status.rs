//! `/debug/status`: five seconds to understand. Totals and one row per method; text for curl, HTML for browsers.

use super::{Page, PageFormat, PageRequest, debug_vars, html::frame, number};
use crate::{
    call::registry::MethodInfo,
    live::{
        shutdown::Phase,
        stats::{BUCKETS, MethodSnapshot},
    },
    method::blocking::BlockingLoad,
    pages::snapshot::Snapshot,
};
use maud::html;
use std::{fmt::Write, time::Duration};

pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    let totals = Totals::of(snapshot);
    match ask.form {
        PageFormat::Html => Page::html(as_html(snapshot, &totals)),
        // The numbers of this page, and all others.
        PageFormat::Json => debug_vars::page(snapshot, ask),
        _ => Page::text(as_text(snapshot, &totals)),
    }
}

/// All methods together.
struct Totals {
    calls: u64,
    errors: u64,
    in_flight: u64,
    latencies: [String; 3],
}

impl Totals {
    fn of(snapshot: &Snapshot) -> Self {
        let each = || snapshot.methods.iter().map(|method| &method.stats);
        let latency = std::array::from_fn::<u64, BUCKETS, _>(|n| each().map(|stats| stats.latency[n]).sum());
        let all = MethodSnapshot {
            calls: each().map(|stats| stats.calls).sum(),
            finished: each().map(|stats| stats.finished).sum(),
            failed: each().map(|stats| stats.failed).sum(),
            bytes_in: 0,
            bytes_out: 0,
            total: Duration::ZERO,
            latency,
        };
        Self { calls: all.calls, errors: all.failed, in_flight: all.in_flight(), latencies: latencies(&all) }
    }
}

/// p50, p99, p99.9; a dash before the first call.
fn latencies(stats: &MethodSnapshot) -> [String; 3] {
    [0.5, 0.99, 0.999].map(|share| match stats.quantile(share) {
        Duration::ZERO => "-".to_owned(),
        time => number::latency(time),
    })
}

fn phase(snapshot: &Snapshot) -> &'static str {
    match snapshot.phase {
        Phase::Serving => "SERVING",
        Phase::LameDuck => "STOPPING",
        Phase::Draining => "DRAINING",
        Phase::Stopped => "STOPPED",
    }
}

/// Why connections and calls were turned away or cut off, where any were.
fn refusals(snapshot: &Snapshot) -> Vec<(&'static str, u64)> {
    let quiet = ["accepted", "probes", "silent_probes", "tls_handshakes", "logins", "http_requests"];
    snapshot.server.counters().filter(|(name, value)| *value > 0 && !quiet.contains(name)).collect()
}

/// Blocking methods whose functions hold threads, or wait for them.
fn blocking(snapshot: &Snapshot) -> Vec<(String, BlockingLoad)> {
    let busy = |load: &BlockingLoad| load.running + load.queued > 0;
    let methods = snapshot.methods.iter();
    methods.filter_map(|method| Some((full_name(method), method.blocking.filter(busy)?))).collect()
}

/// Methods that have blocked their threads, and how often.
fn blocked(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let blocked = snapshot.methods.iter().filter(|method| method.blocked > 0);
    blocked.map(|method| (full_name(method), method.blocked)).collect()
}

fn full_name(method: &MethodInfo) -> String {
    format!("{}.{}", method.service, method.method)
}

fn as_text(snapshot: &Snapshot, totals: &Totals) -> String {
    let (server, [p50, p99, p999]) = (&snapshot.server, &totals.latencies);
    let mut out = format!(
        "rpcwrap {}  {}  up {}  pid {}\n\
         calls {}  p50 {p50} p99 {p99} p99.9 {p999}  errors {}\n\
         conns {}/{}  inflight {}  accepted {}  http requests {}  probes {}  rss {} KiB\n\n",
        env!("CARGO_PKG_VERSION"),
        phase(snapshot),
        number::uptime(snapshot.uptime),
        snapshot.process.id,
        totals.calls,
        totals.errors,
        server.connections,
        snapshot.max_connections,
        totals.in_flight,
        server.accepted,
        server.http_requests,
        server.probes,
        snapshot.process.resident_bytes / 1024,
    );
    let names: Vec<String> = snapshot.methods.iter().map(full_name).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0).max(14);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:<width$} {:>10} {:>6} {:>6} {:>6} {:>6} {:>8}",
        "METHOD", "calls", "infl", "p50", "p99", "p99.9", "err"
    );
    for (name, method) in names.iter().zip(&snapshot.methods) {
        let (stats, [p50, p99, p999]) = (&method.stats, latencies(&method.stats));
        let _ = writeln!(
            out,
            "{name:<width$} {:>10} {:>6} {p50:>6} {p99:>6} {p999:>6} {:>8}",
            stats.calls,
            stats.in_flight(),
            stats.failed
        );
    }
    let blocking = blocking(snapshot);
    if !blocking.is_empty() {
        let _ = writeln!(out, "\n{:<width$} {:>10} {:>6}", "BLOCKING", "running", "queued");
        for (name, load) in blocking {
            let _ = writeln!(out, "{name:<width$} {:>10} {:>6}", load.running, load.queued);
        }
    }
    let blocked = blocked(snapshot);
    if !blocked.is_empty() {
        let _ = writeln!(out, "\n{:<width$} {:>10}", "BLOCKED THREADS", "times");
        for (name, times) in blocked {
            let _ = writeln!(out, "{name:<width$} {times:>10}");
        }
    }
    let refusals = refusals(snapshot);
    if !refusals.is_empty() {
        out.push_str("\nREFUSED OR CUT\n");
        for (name, count) in refusals {
            let _ = writeln!(out, "{:<20} {count:>10}", name.replace('_', " "));
        }
    }
    out
}

fn as_html(snapshot: &Snapshot, totals: &Totals) -> String {
    let server = &snapshot.server;
    let cards = [
        ("calls", totals.calls.to_string()),
        ("in flight", totals.in_flight.to_string()),
        ("errors", totals.errors.to_string()),
        ("p99", totals.latencies[1].clone()),
        ("connections", format!("{}/{}", server.connections, snapshot.max_connections)),
        ("probes", server.probes.to_string()),
    ];
    let (blocking, blocked, refusals) = (blocking(snapshot), blocked(snapshot), refusals(snapshot));
    let body = html! {
        h1 {
            "rpcwrap "
            span class=(if snapshot.phase == Phase::Serving { "pill" } else { "pill no" }) { (phase(snapshot)) }
        }
        p {
            "up " (number::uptime(snapshot.uptime)) ", pid " (snapshot.process.id) ", version "
            (env!("CARGO_PKG_VERSION")) ", " (snapshot.process.resident_bytes / 1024) " KiB, "
            (server.accepted) " connections accepted, " (server.http_requests) " HTTP requests"
        }
        div class="cards" { @for (name, value) in &cards { div { (name) b { (value) } } } }
        div class="wide" {
            table {
                tr { @for name in ["method", "calls", "in flight", "p50", "p99", "p99.9", "errors"] { th { (name) } } }
                @for method in &snapshot.methods {
                    tr {
                        td { (full_name(method)) }
                        td { (method.stats.calls) }
                        td { (method.stats.in_flight()) }
                        @for latency in latencies(&method.stats) { td { (latency) } }
                        td { (method.stats.failed) }
                    }
                }
            }
            @if !blocking.is_empty() {
                h2 { "Blocking" }
                table {
                    tr { @for name in ["method", "running", "queued"] { th { (name) } } }
                    @for (name, load) in &blocking {
                        tr { td { (name) } td { (load.running) } td { (load.queued) } }
                    }
                }
            }
            @if !blocked.is_empty() {
                h2 { "Blocked threads" }
                table {
                    tr { @for name in ["method", "times"] { th { (name) } } }
                    @for (name, times) in &blocked { tr { td { (name) } td { (times) } } }
                }
            }
            @if !refusals.is_empty() {
                h2 { "Refused or cut" }
                table {
                    @for (name, count) in &refusals { tr { td { (name.replace('_', " ")) } td { (count) } } }
                }
            }
        }
    };
    frame("rpcwrap status", &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn text() {
        let mut snapshot = fixture::snapshot();
        let accepted = snapshot.server.accepted;
        snapshot.server = Default::default();
        snapshot.server.accepted = accepted;
        snapshot.server.connections = 307;
        snapshot.server.busy_calls = 7;
        let wanted = format!(
            "rpcwrap {}  SERVING  up 3d04h  pid 4711
calls 4392  p50 57us p99 57us p99.9 57us  errors 3
conns 307/10000  inflight 2  accepted 900001  http requests 0  probes 0  rss 5120 KiB

METHOD              calls   infl    p50    p99  p99.9      err
<b>.Count               0      0      -      -      -        0
Arith.Divide           81      1   57us   57us   57us        3
Arith.Multiply       4311      1   57us   57us   57us        0

BLOCKING          running queued
Arith.Divide          128      9

BLOCKED THREADS      times
Arith.Divide           17

REFUSED OR CUT
busy calls                    7
",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(page(&snapshot, &PageRequest::default()).body, wanted);
    }

    #[test]
    fn html_has_the_same_numbers_and_escapes_names() {
        let snapshot = Snapshot { phase: Phase::Draining, ..fixture::snapshot() };
        let page = page(&snapshot, &PageRequest { form: PageFormat::Html, ..PageRequest::default() });
        for part in ["&lt;b&gt;.Count", "<td>4311</td>", "DRAINING", "<b>307/10000</b>", "denied calls"] {
            assert!(page.body.contains(part), "{part} is not in\n{}", page.body);
        }
        assert!(!page.body.contains("<b>.Count") && !page.body.contains("src="));
        assert!(page.body.len() < 30 << 10);
    }
}
