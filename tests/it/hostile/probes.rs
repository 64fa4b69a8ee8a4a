//! A thousand health probes as load balancers and orchestrators send them: not a line of a warning, nothing that would
//! count as an error.

use super::alone;
use crate::program::Program;
use rpcwrap_tests::raw::Peer;

const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// How a probe's connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// With a reset right behind the first line of the answer.
    Reset,
    /// In good order once it has it all.
    Fin,
}
use Leaves::{Fin, Reset};

/// What it sends, what the answer begins with, how it leaves.
type Probe = (&'static [u8], &'static str, Leaves);

const PROBES: [Probe; 12] = [
    (b"", "", Reset),
    (b"", "", Fin),
    (b"OPTIONS / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", Reset),
    (b"GET /debug/health HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", Reset),
    (b"HEAD /healthz HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", Fin),
    (b"GET /healthz HTTP/1.1\r\nhost: rpc.example\r\nconnection: close\r\n\r\n", "HTTP/1.1 200 ", Reset),
    (
        b"GET /healthz HTTP/1.0\r\nx-haproxy-server-state: UP 1/2; address=127.0.0.1; weight=1/1\r\n\r\n",
        "HTTP/1.0 200 ",
        Reset,
    ),
    (
        b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kube-probe/1.30\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 ",
        Fin,
    ),
    (b"CONNECT /_goRPC_ HTTP/1.0\r\n\r\n", "HTTP/1.0 200 Connected to Go RPC", Reset),
    (b"agent\n", "ready up 100%", Reset),
    (b"*1\r\n$4\r\nPING\r\n", "+PONG", Reset),
    (b"PING\r\n", "+PONG", Fin),
];

/// Those of services we are not: closed, and kept for `/protocols`.
const OTHERS: [&[u8]; 5] = [
    b"\0\0\0\x16\0\x03\0\0user\0haproxy\0\0",
    b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
    b"\x16\x03\0\0\x79\x01\0\0\x75\x03\0HAPROXYSSLCHK",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"\x29\0\0\x01\0\x82\0\0\0\x80\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0haproxy\0\0\x01\0\0\0\x01",
];

async fn probe(program: &Program, header: &[u8], (sent, wanted, leaves): Probe) {
    let mut peer = match leaves {
        Reset => Peer::connect_resetting(program.addr).await,
        Fin => Peer::connect(program.addr).await,
    };
    if !header.is_empty() || !sent.is_empty() {
        peer.send([header, sent].concat()).await;
    }
    if !wanted.is_empty() {
        let line = peer.read_line().await;
        assert!(line.starts_with(wanted), "{}: {line}", sent.escape_ascii());
    }
    if leaves == Fin {
        peer.half_close().await;
        peer.read_to_end().await;
    }
}

/// The counters that an alert would watch.
fn errors(vars: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let fine = ["probes", "silent_probes", "accepted", "http_requests", "connections"];
    let counters = vars["counters"].as_object().unwrap();
    let bad = counters.iter().filter(|(name, count)| !fine.contains(&&***name) && **count != 0);
    bad.map(|(name, count)| (name.clone(), count.clone())).collect()
}

#[tokio::test]
async fn a_thousand_probes_count_no_errors() {
    let trusting = ["--proxy-protocol-from", "127.0.0.1"];
    for (args, header) in [(&[][..], &b""[..]), (&trusting, LOCAL)] {
        let program = Program::daemon(args).await;
        for one in PROBES.into_iter().cycle().take(500) {
            probe(&program, header, one).await;
        }
        let mut page = Peer::connect(program.addr).await;
        page.send(header).await;
        let vars = page.http("GET /debug/vars HTTP/1.0\r\n\r\n").await.json();
        assert_eq!(errors(&vars), []);
        program.end_quietly().await;
    }
}

#[tokio::test]
async fn probes_of_other_services_are_no_warnings() {
    let program = Program::daemon(&[]).await;
    for sent in OTHERS.into_iter().cycle().take(300) {
        let mut peer = Peer::connect_resetting(program.addr).await;
        peer.send(sent).await;
        peer.read_to_end().await;
    }
    let vars = alone(&program).await;
    let counted: u64 = ["unknown_openings", "tls_failures"]
        .iter()
        .map(|name| vars["counters"][name].as_u64().unwrap())
        .sum();
    assert_eq!(counted, 300, "{:?}", errors(&vars));
    program.end_quietly().await;
}
