//! Protocols of the program's own: one found by its first bytes, one reached by CONNECT.

use rpcwrap::{
    ConfigError,
    protocol::{Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use rpcwrap_tests::{
    raw::{CONNECTED, Peer, each_split, json_request, opening},
    server::start,
    services::services,
};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

const MAGIC: &[u8] = b"LINE\n";

/// `LINE` in the first line, then a call per line: `Arith.Multiply {"A":1}` → the reply or `error text`.
struct Lines;

impl Protocol for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, MAGIC)
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![MAGIC.to_vec()]
    }

    fn takes_path(&self, path: &str) -> bool {
        path == "/lines"
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let by_path = conn.path.is_some();
            let (read, mut write) = tokio::io::split(conn.into_io());
            let mut lines = BufReader::new(read).lines();
            if by_path {
                write.write_all(b"lines by path\n").await?;
            } else {
                lines.next_line().await?;
            }
            let caller = cx.peer("", None);
            while let Some(line) = lines.next_line().await? {
                let (name, args) = line.split_once(' ').unwrap_or((&line, "null"));
                let reply = match cx.call(&caller, name, args.as_bytes(), None).await {
                    Ok(reply) => [&reply[..], b"\n"].concat(),
                    Err(error) => format!("error {}: {error}\n", error.code()).into_bytes(),
                };
                write.write_all(&reply).await?;
            }
            Ok(Served::Closed)
        })
    }
}

#[tokio::test]
async fn a_custom_protocol_shares_the_port_and_the_dispatch() {
    let server = start(services().protocol(Lines)).await;
    let calls = "LINE\nArith.Multiply {\"A\":6,\"B\":7}\nArith.Divide {\"A\":1}\nNope.X\nCtx.Who \"\"\n";
    let replies = "42\nerror math: divide by zero\nerror unknown_service: rpc: can't find service Nope.X\n\
        \"lines  -\"\n";
    for pieces in each_split(calls.as_bytes()) {
        let mut peer = Peer::in_memory(&server);
        peer.send_pieces(&pieces).await;
        peer.expect(replies).await;
        peer.half_close().await;
        peer.expect_closed().await;
    }
    let mut stream = Peer::connect(server.addr).await;
    stream.send("LINE\nStream.Count {\"N\":2}\n").await;
    stream.expect("{\"C\":2,\"Index\":0}\n{\"C\":2,\"Index\":1}\n\n").await;
}

#[tokio::test]
async fn built_in_protocols_are_served_beside_a_custom_one() {
    let server = start(services().protocol(Lines)).await;
    for pieces in each_split(&opening("/_json_rpc_")) {
        let mut peer = Peer::in_memory(&server);
        peer.send_pieces(&pieces).await;
        peer.expect(CONNECTED).await;
        peer.send(json_request("Echo.Int", "5", 1)).await;
        peer.expect("{\"id\":1,\"result\":5,\"error\":null}\n").await;
    }
    let mut page = Peer::connect(server.addr).await;
    assert_eq!(page.http("GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body, "ok");
    // With more than one to choose from, bytes of no protocol are closed without an answer.
    let mut unknown = Peer::connect(server.addr).await;
    unknown.send(b"\x00\x01\x02\x03").await;
    unknown.expect_closed().await;
    assert_eq!(server.snapshot().server.unknown_openings, 1);
}

#[tokio::test]
async fn a_connect_path_leads_to_a_custom_protocol() {
    let server = start(services().protocol(Lines)).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send([&opening("/lines")[..], b"Echo.Int 5\n"].concat()).await;
    // The answer to the CONNECT is the protocol's own.
    peer.expect("lines by path\n5\n").await;
}

#[tokio::test]
async fn two_custom_protocols_of_one_name_are_refused() {
    let error = services().protocol(Lines).protocol(Lines).build().unwrap_err();
    assert_eq!(error, ConfigError::DuplicateProtocol("lines".into()));
}
