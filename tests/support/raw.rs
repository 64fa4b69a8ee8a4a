//! A peer made of bytes: sends exactly these, expects exactly those.

use crate::{limit, server::TestServer};
use bson::Document;
use bytes::{Buf, BytesMut};
use serde_json::Value;
use std::{fmt, io, net::SocketAddr, path::Path};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

/// A server's whole answer to a CONNECT it takes.
pub const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// One connection, seen from the peer.
pub struct Peer {
    socket: Box<dyn Socket>,
    unread: BytesMut,
}

/// An HTTP answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// The opening Go's and Python's clients send: LF only, no headers.
pub fn opening(path: &str) -> Vec<u8> {
    format!("CONNECT {path} HTTP/1.0\n\n").into_bytes()
}

impl Peer {
    /// A connection over any stream.
    pub fn over(socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { socket: Box::new(socket), unread: BytesMut::new() }
    }

    /// A TCP connection.
    pub async fn connect(addr: SocketAddr) -> Self {
        let socket = limit(TcpStream::connect(addr)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self::over(socket)
    }

    /// A connection that is there already.
    pub fn from_std(socket: std::net::TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        Self::over(TcpStream::from_std(socket).unwrap())
    }

    /// A connection to a unix socket.
    pub async fn connect_unix(path: &Path) -> Self {
        Self::over(limit(UnixStream::connect(path)).await.unwrap())
    }

    /// A connection within the program: everything but the kernel.
    pub fn in_memory(server: &rpcwrap::Server) -> Self {
        Self::over(server.connect().unwrap())
    }

    /// A TCP connection that ends with a reset when it is dropped, as after a crash of the peer's machine.
    pub async fn connect_resetting(addr: SocketAddr) -> Self {
        let socket = limit(TcpStream::connect(addr)).await.unwrap();
        socket.set_zero_linger().unwrap();
        Self::over(socket)
    }

    /// A TCP connection after its handshake for `codec`.
    pub async fn connect_codec(addr: SocketAddr, codec: &str) -> Self {
        Self::connect(addr).await.handshake(&format!("/_{codec}_rpc_")).await
    }

    /// An in-memory connection after its handshake for `codec`.
    pub async fn in_memory_codec(server: &TestServer, codec: &str) -> Self {
        Self::in_memory(server).handshake(&format!("/_{codec}_rpc_")).await
    }

    /// The same connection, handed to a codec.
    pub async fn handshake(mut self, path: &str) -> Self {
        self.send(opening(path)).await;
        self.expect(CONNECTED).await;
        self
    }

    /// Sends these bytes, all of them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends as much as the other side takes; it may have closed.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        limit(async {
            self.socket.write_all(bytes.as_ref()).await?;
            // Under TLS what is written may not be sent.
            self.socket.flush().await
        })
        .await
    }

    /// Sends piece after piece, giving everybody else on this thread a turn in between, so that a server in the same
    /// single-threaded runtime reads each by itself.
    pub async fn send_pieces(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            // The server may have had enough already.
            if self.try_send(piece).await.is_err() {
                return;
            }
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Closes the sending side.
    pub async fn half_close(&mut self) {
        // Fails where the other side has closed everything, which says the same.
        let _ = limit(self.socket.shutdown()).await;
    }

    async fn read(&mut self) -> io::Result<usize> {
        limit(self.socket.read_buf(&mut self.unread)).await
    }

    async fn read_at_least(&mut self, len: usize) {
        while self.unread.len() < len {
            match self.read().await {
                Ok(0) => panic!("closed after {}", self.unread.escape_ascii()),
                Ok(_) => {}
                Err(error) => panic!("{error} after {}", self.unread.escape_ascii()),
            }
        }
    }

    /// Reads exactly this.
    pub async fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        // Differences show before the wait for what will never come.
        while self.unread.len() < bytes.len() && bytes.starts_with(&self.unread) {
            let had = self.unread.len();
            self.read_at_least(had + 1).await;
        }
        let got = &self.unread[..bytes.len().min(self.unread.len())];
        assert!(got == bytes, "wanted {}\n   got {}", bytes.escape_ascii(), self.unread.escape_ascii());
        self.unread.advance(bytes.len());
    }

    /// Reads as many bytes as there is room for, unless the other side closes before.
    pub async fn try_read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        while self.unread.len() < bytes.len() {
            if self.read().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.unread.copy_to_slice(bytes);
        Ok(())
    }

    /// Reads the end of the stream; nothing may come before it.
    pub async fn expect_closed(&mut self) {
        let rest = self.read_to_end().await;
        assert!(rest.is_empty(), "before the close: {}", rest.escape_ascii());
    }

    /// Reads everything until the other side closes; a reset is a close.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        while matches!(self.read().await, Ok(1..)) {}
        self.unread.split().to_vec()
    }

    /// Reads until what has come contains these words; all of it.
    pub async fn read_until(&mut self, words: &str) -> Vec<u8> {
        while !self.unread.windows(words.len()).any(|part| part == words.as_bytes()) {
            let had = self.unread.len();
            self.read_at_least(had + 1).await;
        }
        self.unread.split().to_vec()
    }

    /// Reads what comes until a line's end, which is taken off.
    pub async fn read_line(&mut self) -> String {
        let line = self.read_line_or_end().await;
        line.unwrap_or_else(|| panic!("closed after {}", self.unread.escape_ascii()))
    }

    /// Reads a line; `None` if the other side closes before its end.
    pub async fn read_line_or_end(&mut self) -> Option<String> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.unread[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.unread.split_to(searched + at + 1);
                return Some(String::from_utf8(line[..line.len() - 1].to_vec()).unwrap());
            }
            searched = self.unread.len();
            if !matches!(self.read().await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Reads one line of JSON.
    pub async fn read_json(&mut self) -> Value {
        let line = self.read_line().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Reads until `decode` makes a message of what has come.
    pub async fn read_message<T, E: fmt::Debug>(
        &mut self,
        mut decode: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
    ) -> T {
        loop {
            if let Some(message) = decode(&mut self.unread).unwrap() {
                return message;
            }
            let had = self.unread.len();
            self.read_at_least(had + 1).await;
        }
    }

    /// Reads one frame of BSON.
    pub async fn read_bson_frame(&mut self) -> Vec<u8> {
        self.read_at_least(4).await;
        let len = (&self.unread[..4]).get_i32_le();
        let len = usize::try_from(len).unwrap();
        self.read_at_least(len).await;
        self.unread.split_to(len).to_vec()
    }

    /// Reads a message in BSON's published kinds: header and body.
    pub async fn read_bson(&mut self) -> (Document, Document) {
        let (header, body) = (self.read_bson_frame().await, self.read_bson_frame().await);
        (Document::from_reader(&header[..]).unwrap(), Document::from_reader(&body[..]).unwrap())
    }

    /// Calls a method in JSON and reads its reply.
    pub async fn call(&mut self, method: &str, args: &str, id: u64) -> Value {
        self.send(json_request(method, args, id)).await;
        self.read_json().await
    }

    /// Sends an HTTP request and reads the answer, its body by its length, by its chunks or to the end.
    pub async fn http(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(&request).await;
        self.read_http(request.as_ref().starts_with(b"HEAD")).await
    }

    /// Reads an HTTP answer.
    pub async fn read_http(&mut self, is_head: bool) -> Response {
        let head = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break self.unread.split_to(at + 4);
            }
            let had = self.unread.len();
            self.read_at_least(had + 1).await;
        };
        let head = String::from_utf8(head.to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_owned(), value.trim().to_owned())
            })
            .collect();
        let mut response = Response { status, headers, body: String::new() };
        let body = if is_head {
            Vec::new()
        } else if let Some(len) = response.header("content-length") {
            let len = len.parse().unwrap();
            self.read_at_least(len).await;
            self.unread.split_to(len).to_vec()
        } else if response.header("transfer-encoding") == Some("chunked") {
            self.read_chunks().await
        } else {
            self.read_to_end().await
        };
        response.body = String::from_utf8(body).unwrap();
        response
    }

    async fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = self.read_line().await;
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            self.read_at_least(size + 2).await;
            body.extend_from_slice(&self.unread.split_to(size));
            self.expect(b"\r\n").await;
            if size == 0 {
                return body;
            }
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer(unread {})", self.unread.escape_ascii())
    }
}

/// One request as Go's jsonrpc client writes it.
pub fn json_request(method: &str, args: &str, id: u64) -> String {
    format!("{{\"method\":\"{method}\",\"params\":[{args}],\"id\":{id}}}\n")
}

/// One request as the Go client of vitess writes it: strings in kind 0x05, `Seq` in kind 0x3F.
pub fn bson_request(method: &str, seq: u64, body: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(b"\x05ServiceMethod\0");
    header.extend_from_slice(&(method.len() as u32).to_le_bytes());
    header.push(0);
    header.extend_from_slice(method.as_bytes());
    header.extend_from_slice(b"\x3fSeq\0");
    header.extend_from_slice(&seq.to_le_bytes());
    let mut message = document(&header);
    message.extend_from_slice(body);
    message
}

/// A BSON document of these elements: its length in front, its terminator behind.
pub fn document(elements: &[u8]) -> Vec<u8> {
    let mut bytes = (elements.len() as u32 + 5).to_le_bytes().to_vec();
    bytes.extend_from_slice(elements);
    bytes.push(0);
    bytes
}

/// The ways to cut `bytes` into packets that a test tries: whole, in two at every byte, and byte by byte.
pub fn each_split(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut ways = vec![vec![bytes], bytes.chunks(1).collect()];
    ways.extend((1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]));
    ways
}
