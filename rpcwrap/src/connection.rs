//! One socket's life: permit, first bytes, the protocol they choose, hand-overs, and the count when it ends.

use crate::{
    io::Stream,
    limits::ConnectionPermit,
    protocol::{Conn, ConnCx, Protocol, Served},
    shutdown::Phase,
    sniff::{Choice, MAX_PREFIX, choose},
};
use bytes::{Bytes, BytesMut};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

/// How long a connection may take to say what it came for once the server drains: those that waited in the accept
/// queue have sent it already, and are answered.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Serves an accepted connection to its end.
///
/// The parts are tasks one after the other, not one future: what the opening needed is then gone while the session
/// it led to sits idle.
pub(crate) async fn serve(
    stream: Stream,
    cx: ConnCx,
    table: Arc<[Arc<dyn Protocol>]>,
    permit: ConnectionPermit,
) {
    let stats = &cx.dispatch.stats;
    let opening = {
        let over = async {
            cx.dispatch.shutdown.reached(Phase::Draining).await;
            sleep(LAST_WORDS).await;
        };
        let opening = timeout(cx.dispatch.config.first_byte_timeout, open(stream, &table));
        tokio::select! {
            biased;
            opening = opening => opening,
            () = over => return,
        }
    };
    let (conn, protocol) = match opening {
        Err(_) => {
            stats.opening_timeouts.add_one();
            tracing::debug!(peer = %cx.peer_addr, "first bytes did not come in time");
            return;
        }
        Ok(Err(Opening::Probe)) => {
            stats.probes.add_one();
            tracing::debug!(peer = %cx.peer_addr, "closed before its first request: a probe");
            return;
        }
        Ok(Err(Opening::Unknown(head))) => {
            stats.unknown_openings.add_one();
            tracing::info!(peer = %cx.peer_addr, head = %hex(&head), "no protocol for these first bytes");
            return;
        }
        Ok(Ok(found)) => found,
    };
    run(conn, protocol, cx, permit);
}

/// Starts the protocol on a task of its own, which hands over to the next one if it must.
fn run(conn: Conn, protocol: Arc<dyn Protocol>, cx: ConnCx, permit: ConnectionPermit) {
    // Owned by the permit it holds: the server's drain waits for the last permit and cuts what remains by phase.
    tokio::spawn(async move {
        let name = protocol.name();
        let served = {
            let stopped = pin!(cx.dispatch.shutdown.reached(Phase::Stopped));
            let serving = protocol.serve(conn, cx.clone());
            tokio::select! {
                biased;
                served = serving => served,
                () = stopped => return,
            }
        };
        let next = match served {
            Ok(Served::Handover(conn)) => {
                let path = conn.path.as_deref().unwrap_or_default();
                let next = cx.paths.iter().find(|protocol| protocol.takes_path(path)).cloned();
                next.map(|next| (conn, next))
            }
            Ok(Served::Probe) => {
                cx.dispatch.stats.probes.add_one();
                None
            }
            Ok(Served::Closed) => None,
            Err(error) => {
                tracing::debug!(peer = %cx.peer_addr, protocol = name, %error, "connection ended");
                None
            }
        };
        match next {
            Some((conn, protocol)) => run(conn, protocol, cx, permit),
            None => drop(permit),
        }
    });
}

enum Opening {
    Probe,
    Unknown(Bytes),
}

/// Reads until the table can say whose connection it is.
async fn open(mut stream: Stream, table: &[Arc<dyn Protocol>]) -> Result<(Conn, Arc<dyn Protocol>), Opening> {
    let mut prefix = BytesMut::new();
    loop {
        // Nothing is allocated for a silent peer: the first bytes land on the stack.
        let mut chunk = [0; 512];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Err(Opening::Probe),
            Ok(n) => prefix.extend_from_slice(&chunk[..n]),
        }
        match choose(&prefix, table) {
            Choice::Found(index) => {
                let conn = Conn { prefix: prefix.freeze(), unsent: Bytes::new(), stream, path: None };
                return Ok((conn, table[index].clone()));
            }
            Choice::NeedMore if prefix.len() < MAX_PREFIX => {}
            Choice::NeedMore | Choice::Unknown => break,
        }
    }
    Err(Opening::Unknown(prefix.freeze()))
}

fn hex(head: &[u8]) -> String {
    head.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Longest wait for a peer to close its side after ours.
const LINGER: Duration = Duration::from_secs(1);
/// The most of what such a peer still sends that is read before the connection is closed under it.
const LINGER_BYTES: usize = 1 << 20;

/// Closes our side, then reads what is still coming until the peer closes its own, so that the last reply is not lost
/// to a reset. Bounded in time and bytes.
pub(crate) async fn close_gently(stream: &mut Stream) -> io::Result<()> {
    stream.shutdown().await?;
    let drain = async {
        // On the heap: this future is part of every session's, which sits idle for long.
        let (mut chunk, mut seen) = (vec![0; 1024], 0);
        while seen < LINGER_BYTES {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(n) => seen += n,
            }
        }
    };
    // Whether the peer closed or the time is over, the connection ends here.
    let _ = timeout(LINGER, drain).await;
    Ok(())
}
