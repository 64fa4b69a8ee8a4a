//! A server's numbers for the tests of pages: every counter has a value of its own.

use crate::{
    method::Signature,
    registry::MethodInfo,
    shutdown::Phase,
    snapshot::{Process, Snapshot},
    stats::{MethodStats, ServerStats, Tally},
};
use std::time::{Duration, SystemTime};

/// Two services: `Arith` with a plain and a failing method, `<b>` with a streaming one that was never called.
pub(super) fn snapshot() -> Snapshot {
    let server = ServerStats::default();
    let mut snapshot = Snapshot {
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        uptime: Duration::from_secs(3 * 86_400 + 4 * 3_600),
        process: Process {
            id: 4711,
            command: vec!["rpcwrapd".to_owned(), "--listen=\"x\"".to_owned()],
            resident_bytes: 5_242_880,
            virtual_bytes: 231_735_296,
        },
        phase: Phase::Serving,
        max_connections: 10_000,
        server: server.snapshot(307),
        services: vec![
            ("<b>".to_owned(), "a \"doc\"".to_owned()),
            ("Arith".to_owned(), "Sums & <quotients>".to_owned()),
        ],
        methods: vec![
            method("<b>", "Count", ("SArgs", "SReply", true), 0, 0),
            method("Arith", "Divide", ("Args", "Quotient", false), 80, 3),
            method("Arith", "Multiply", ("Args", "i64", false), 4310, 0),
        ],
        codecs: vec!["json".to_owned(), "bson".to_owned()],
        protocols: Vec::new(),
        failed_openings: Vec::new(),
        connections: Vec::new(),
    };
    fill(&mut snapshot);
    snapshot
}

/// Gives every counter a number that occurs nowhere else.
fn fill(snapshot: &mut Snapshot) {
    let server = &mut snapshot.server;
    let counters = [
        &mut server.accepted,
        &mut server.connections_refused,
        &mut server.probes,
        &mut server.silent_probes,
        &mut server.unknown_openings,
        &mut server.long_openings,
        &mut server.opening_timeouts,
        &mut server.stalled,
        &mut server.malformed,
        &mut server.unknown_calls,
        &mut server.denied_calls,
        &mut server.busy_calls,
        &mut server.drained_calls,
        &mut server.deadlines,
        &mut server.canceled_calls,
        &mut server.panics,
        &mut server.logins,
        &mut server.login_failures,
        &mut server.http_requests,
    ];
    for (n, counter) in counters.into_iter().enumerate() {
        *counter = 900_001 + n as u64;
    }
}

fn method(
    service: &str,
    method: &str,
    (args, reply, streaming): (&str, &str, bool),
    calls: u64,
    failed: u64,
) -> MethodInfo {
    let (stats, mut tally) = (MethodStats::default(), Tally::default());
    for call in 0..calls {
        tally.start(79);
        tally.write(84);
        tally.finish(Duration::from_micros(50), call < failed);
    }
    // One call that is still under way.
    if calls > 0 {
        tally.start(79);
    }
    tally.merge_into(&stats);
    MethodInfo {
        service: service.to_owned(),
        method: method.to_owned(),
        signature: Signature { args: args.to_owned(), reply: reply.to_owned(), streaming },
        doc: String::new(),
        idempotent: false,
        stats: stats.snapshot(),
    }
}
