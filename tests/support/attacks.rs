//! What hostile peers do again and again, for programs that measure what others feel of it. Their bytes are made once:
//! what they cost themselves is not to be measured.

use bytes::BytesMut;
use rpcwrap::codecs::{
    baidu_std::{RequestHead, encode_request},
    body::ContentType,
    compress::Compression,
};
use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::LazyLock, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a peer holds what it has taken.
const HOLD: Duration = Duration::from_secs(1);
const JSON: &[u8] = b"CONNECT /_json_rpc_ HTTP/1.0\n\n";

type Round = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// One kind of hostile peer.
#[derive(Debug)]
pub struct Attack {
    pub name: &'static str,
    round: fn(SocketAddr) -> Round,
}

pub const ATTACKS: [Attack; 7] = [
    Attack { name: "small messages that decode to much", round: |addr| Box::pin(decoding(addr)) },
    Attack { name: "the same, compressed", round: |addr| Box::pin(compressed(addr)) },
    Attack { name: "ids of a megabyte", round: |addr| Box::pin(long_ids(addr)) },
    Attack { name: "calls that wait", round: |addr| Box::pin(waiting_calls(addr)) },
    Attack { name: "replies that are not read", round: |addr| Box::pin(unread(addr)) },
    Attack { name: "connections that come and go", round: |addr| Box::pin(churn(addr)) },
    Attack { name: "nonsense", round: |addr| Box::pin(nonsense(addr)) },
];

impl Attack {
    /// Does it until this is dropped. That the server closes the connection is part of it.
    pub async fn go_on(&self, addr: SocketAddr) {
        loop {
            if timeout(10 * HOLD, (self.round)(addr)).await.is_ok_and(|round| round.is_err()) {
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// `[[[…]]]` within one list.
fn tower(bytes: usize) -> String {
    let deep = "[".repeat(80) + &"]".repeat(80) + ",";
    format!("[{}0]", deep.repeat(bytes / deep.len()))
}

async fn open(addr: SocketAddr, first: &[u8]) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(addr).await?;
    socket.write_all(first).await?;
    Ok(socket)
}

static DECODING: LazyLock<[String; 2]> = LazyLock::new(|| {
    // Over and under what is a large message.
    [1 << 20, 200 << 10]
        .map(|bytes| format!("{{\"method\":\"Echo.Any\",\"params\":[{}],\"id\":1}}\n", tower(bytes)))
});

async fn decoding(addr: SocketAddr) -> io::Result<()> {
    let mut socket = open(addr, JSON).await?;
    for request in &*DECODING {
        socket.write_all(request.as_bytes()).await?;
    }
    socket.shutdown().await?;
    socket.read_to_end(&mut Vec::new()).await.map(drop)
}

static COMPRESSED: LazyLock<BytesMut> = LazyLock::new(|| {
    let head = RequestHead {
        service_name: "Echo",
        method_name: "Any",
        correlation_id: 1,
        content_type: ContentType::Json,
        compression: Compression::Gzip,
        ..RequestHead::default()
    };
    let mut request = BytesMut::new();
    encode_request(&head, tower(1 << 20).as_bytes(), b"", &mut request).expect("it fits a frame");
    request
});

async fn compressed(addr: SocketAddr) -> io::Result<()> {
    let mut socket = TcpStream::connect(addr).await?;
    socket.write_all(&COMPRESSED).await?;
    socket.shutdown().await?;
    socket.read_to_end(&mut Vec::new()).await.map(drop)
}

static LONG_ID: LazyLock<String> = LazyLock::new(|| {
    format!("{{\"method\":\"Echo.Say\",\"params\":[\"x\"],\"id\":\"{}\"}}\n", "x".repeat(1 << 20))
});

async fn long_ids(addr: SocketAddr) -> io::Result<()> {
    let mut socket = open(addr, JSON).await?;
    socket.write_all(LONG_ID.as_bytes()).await?;
    socket.read_to_end(&mut Vec::new()).await.map(drop)
}

static WAITING: LazyLock<String> = LazyLock::new(|| {
    (0..256).map(|id| format!("{{\"method\":\"Sleep.For\",\"params\":[60000],\"id\":{id}}}\n")).collect()
});

async fn waiting_calls(addr: SocketAddr) -> io::Result<()> {
    let mut sockets = Vec::new();
    for _ in 0..50 {
        let mut socket = open(addr, JSON).await?;
        socket.write_all(WAITING.as_bytes()).await?;
        sockets.push(socket);
    }
    sleep(HOLD).await;
    Ok(())
}

static ECHO: LazyLock<String> = LazyLock::new(|| {
    format!("{{\"method\":\"Echo.Say\",\"params\":[\"{}\"],\"id\":1}}\n", "x".repeat(256 << 10))
});

async fn unread(addr: SocketAddr) -> io::Result<()> {
    let mut socket = open(addr, JSON).await?;
    let send = async {
        loop {
            socket.write_all(ECHO.as_bytes()).await?;
        }
    };
    timeout(HOLD, send).await.unwrap_or(Ok(()))
}

async fn churn(addr: SocketAddr) -> io::Result<()> {
    for first in [&b""[..], b"C", b"GET /", JSON, b"PRI * HTTP/2.0\r\n", b"PRPC"].iter().cycle().take(120) {
        drop(open(addr, first).await?);
    }
    Ok(())
}

static NONSENSE: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..64_u32 << 10).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect());

async fn nonsense(addr: SocketAddr) -> io::Result<()> {
    for codec in ["json", "bson", "gob", "msgpack"] {
        let mut socket = open(addr, format!("CONNECT /_{codec}_rpc_ HTTP/1.0\n\n").as_bytes()).await?;
        socket.write_all(&NONSENSE).await?;
        socket.shutdown().await?;
        socket.read_to_end(&mut Vec::new()).await?;
    }
    Ok(())
}
