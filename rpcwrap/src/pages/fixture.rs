//! A server's numbers for the tests of pages: every counter has a value of its own.

use crate::{
    call::registry::MethodInfo,
    live::{
        connection_info::{ConnectionInfo, Label},
        memory::Memory,
        shutdown::Phase,
        stats::{MethodStats, ServerStats, Tally},
    },
    method::{blocking::BlockingLoad, signature::Signature},
    pages::{
        protocol_info::{AuthMode, Class, ProtocolInfo},
        rejected_info::{FailedOpening, OpeningFailure},
        snapshot::{Process, Snapshot},
    },
    peer::{PeerAddr, TlsInfo},
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
        max_calls: 100_000,
        waiting_calls: 17,
        server: server.snapshot(307, &Memory::new(1 << 30)),
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
        protocols: vec![
            protocol("go_rpc", (Class::Magic, AuthMode::Connection), (12, 700), [2, 1, 5]),
            protocol("http", (Class::Grammar, AuthMode::Request), (30, 4000), [0, 0, 9]),
        ],
        failed_openings: vec![FailedOpening {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_699_999_995),
            peer: PeerAddr::Tcp(([127, 0, 0, 1], 4711).into()),
            why: OpeningFailure::Unknown,
            head: vec![0x00, 0xff],
            detail: String::new(),
        }],
        connections: vec![
            ConnectionInfo {
                id: 1,
                peer: PeerAddr::Tcp(([127, 0, 0, 1], 4711).into()),
                tls: Some(TlsInfo {
                    version: "TLSv1.3",
                    alpn: None,
                    server_name: None,
                    client_name: Some("ala\n".to_owned()),
                }),
                protocol: "go_rpc",
                codec: "bson".to_owned(),
                user: Some("<b>".to_owned()),
                label: Label::default(),
                age: Duration::from_secs(7),
                idle: Duration::from_secs(2),
                calls: 900,
                in_flight: 3,
                bytes_in: 71_100,
                bytes_out: 75_348,
                held: 8192,
            },
            ConnectionInfo {
                id: 2,
                peer: PeerAddr::InProcess,
                tls: None,
                protocol: "",
                codec: String::new(),
                user: None,
                label: Label::default(),
                age: Duration::ZERO,
                idle: Duration::ZERO,
                calls: 0,
                in_flight: 0,
                bytes_in: 0,
                bytes_out: 0,
                held: 0,
            },
        ],
        is_part: false,
    };
    fill(&mut snapshot);
    snapshot
}

fn protocol(
    name: &'static str,
    (class, auth): (Class, AuthMode),
    (connections, matched): (u64, u64),
    [too_big, overloaded, malformed]: [u64; 3],
) -> ProtocolInfo {
    let by_connect = name == "go_rpc";
    ProtocolInfo {
        name,
        class,
        auth,
        by_connect,
        speaks_first: false,
        connections,
        matched,
        too_big,
        overloaded,
        malformed,
    }
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
        &mut server.proxy_failures,
        &mut server.tls_handshakes,
        &mut server.tls_failures,
        &mut server.stalled,
        &mut server.malformed,
        &mut server.unknown_calls,
        &mut server.denied_calls,
        &mut server.busy_calls,
        &mut server.shed_calls,
        &mut server.drained_calls,
        &mut server.deadlines,
        &mut server.canceled_calls,
        &mut server.panics,
        &mut server.logins,
        &mut server.login_failures,
        &mut server.http_requests,
        &mut server.accept_failures,
        &mut server.memory_sheds,
        &mut server.dropped_log_lines,
        &mut server.other_origins,
        &mut server.other_hosts,
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
        signature: Signature {
            args: args.to_owned(),
            reply: reply.to_owned(),
            streaming,
            ..Signature::default()
        },
        doc: String::new(),
        idempotent: false,
        read_only: false,
        stats: stats.snapshot(),
        blocking: (method == "Divide").then_some(BlockingLoad { running: 128, queued: 9 }),
        blocked: if method == "Divide" { 17 } else { 0 },
    }
}
