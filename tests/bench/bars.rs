//! What rpcwrap has to reach, and whether it did. Every bar is a ratio taken in this run, or memory.

use crate::client_row::{self, CALLERS, Caller, GO};
use crate::load::Shape;
use crate::peer::{GO_GOB, GO_JSONRPC, Kind, TARGETS, Target};
use crate::report::{Idle, Results};
use crate::workload::Codec;
use std::fmt;

/// Calls in flight on a connection are batched: the RPC layer shows, the kernel's share is small.
const BATCHED_TO_FLOOR: f64 = 1.8;
const BATCHED_TO_GO: f64 = 0.1;
/// One call per wake-up: nearly all of the cost is the kernel's.
const SINGLE_TO_FLOOR: f64 = 1.15;
const IDLE_KIB: f64 = 2.0;
/// 5 s after all have closed; what one connection's buffers and tables take when they are first used stays.
const MEMORY_AFTER: f64 = 1.2;
const DESCRIPTORS_LEFT: f64 = 0.0;
/// What a client adds: Seq, the table of those who wait, a task to wake per call, values in and out.
const CLIENT_TO_BARE: f64 = 2.0;
const CLIENT_TO_GO: f64 = 0.25;

/// One bar and the figure that was measured for it.
#[derive(Debug)]
pub(crate) struct Bar {
    subject: String,
    limit: f64,
    measured: Option<f64>,
}

impl Bar {
    /// Not measured is not reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.measured.is_some_and(|figure| figure <= self.limit)
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, limit, measured } = self;
        let verdict = if self.is_reached() { "reached" } else { "MISSED" };
        match measured {
            Some(figure) => write!(f, "{verdict}: {subject} is {figure:.3}, the bar is {limit}"),
            None => write!(f, "{verdict}: {subject} was not measured, the bar is {limit}"),
        }
    }
}

/// All bars for `shapes`, the idle connections and the clients.
pub(crate) fn bars(results: &Results, shapes: &[Shape]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for rpcwrap in TARGETS.into_iter().filter(|target| target.kind == Kind::Rpcwrap) {
        let name = rpcwrap.name();
        for &shape in shapes {
            let mut ratio = |base: Target, limit| {
                let measured = results.ratio(shape, rpcwrap, base).map(|spread| spread.median);
                bars.push(Bar { subject: format!("{name} ÷ {} at {shape}", base.name()), limit, measured });
            };
            let floor = Target { kind: Kind::Floor, ..rpcwrap };
            if shape.in_flight == 1 {
                ratio(floor, SINGLE_TO_FLOOR);
            } else {
                ratio(floor, BATCHED_TO_FLOOR);
                ratio(go(rpcwrap.codec), BATCHED_TO_GO);
            }
        }
        bars.extend(idle_bars(&name, results.idle.iter().find(|idle| idle.target == rpcwrap)));
    }
    bars.extend(client_bars(results));
    bars
}

fn idle_bars(name: &str, idle: Option<&Idle>) -> [Bar; 3] {
    let bar = |what: &str, limit, measured| Bar { subject: format!("{name}, {what},"), limit, measured };
    [
        bar("KiB per idle connection", IDLE_KIB, idle.map(Idle::kib_per_connection)),
        bar("memory after they closed ÷ before", MEMORY_AFTER, idle.map(Idle::memory_after)),
        bar(
            "descriptors left after they closed",
            DESCRIPTORS_LEFT,
            idle.map(|idle| idle.descriptors_left() as f64),
        ),
    ]
}

/// Go's server of these calls: `net/rpc` in the codec closest to this one.
const fn go(codec: Codec) -> Target {
    match codec {
        Codec::Bson | Codec::Json => GO_JSONRPC,
        Codec::Gob | Codec::Msgpack => GO_GOB,
    }
}

fn client_bars(results: &Results) -> Vec<Bar> {
    let ours = CALLERS.into_iter().filter(|caller| caller.kind == client_row::Kind::Rpcwrap);
    let bars = ours.flat_map(|caller| {
        let bare = Caller { kind: client_row::Kind::Bare, ..caller };
        [(bare, CLIENT_TO_BARE), (GO, CLIENT_TO_GO)].map(|(base, limit)| Bar {
            subject: format!("client {} ÷ {}", caller.name(), base.name()),
            limit,
            measured: results.client_ratio(caller, base).map(|spread| spread.median),
        })
    });
    bars.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{FLOOR, RPCWRAP, SHAPE, clients, idle, row};

    #[test]
    fn what_idle_connections_leave_behind_has_bars() {
        let lines = idle_bars("rpcwrap-bson", Some(&idle())).map(|bar| bar.to_string());
        assert_eq!(
            lines,
            [
                "reached: rpcwrap-bson, KiB per idle connection, is 2.000, the bar is 2",
                "MISSED: rpcwrap-bson, memory after they closed ÷ before, is 1.500, the bar is 1.2",
                "MISSED: rpcwrap-bson, descriptors left after they closed, is 3.000, the bar is 0",
            ]
        );
    }

    #[test]
    fn a_bar_is_missed_when_exceeded_or_not_measured() {
        let rows = vec![row(FLOOR, &[10]), row(RPCWRAP, &[18]), row(GO_JSONRPC, &[179])];
        let results = Results { rows, idle: Vec::new(), clients: clients() };
        let lines: Vec<String> = bars(&results, &[SHAPE]).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines[..3],
            [
                "reached: rpcwrap-bson ÷ floor-bson at 1x64 is 1.800, the bar is 1.8",
                "MISSED: rpcwrap-bson ÷ go-jsonrpc at 1x64 is 0.101, the bar is 0.1",
                "MISSED: rpcwrap-bson, KiB per idle connection, was not measured, the bar is 2",
            ]
        );
        assert_eq!(
            lines[lines.len() - 2..],
            [
                "reached: client rpcwrap-json ÷ bare-json is 1.500, the bar is 2",
                "MISSED: client rpcwrap-json ÷ go-jsonrpc was not measured, the bar is 0.25",
            ]
        );
    }
}
