//! The load generator: a closed loop that keeps a window of calls in flight on every connection.
//!
//! One thread, one read and one write per readiness, requests encoded beforehand: it must cost less
//! than any server it loads. It must not know which server that is.

use crate::Result;
use crate::measure::Cpu;
use crate::workload::{CONNECTED, Codec, Reply};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Longest silence of a server that owes replies.
const SILENCE: Duration = Duration::from_secs(5);
/// Far above any reply and any window of replies, so that one read empties a socket.
const READ_BYTES: usize = 1024 * 1024;

/// A server to load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) addr: SocketAddr,
    pub(crate) pid: u32,
    pub(crate) codec: Codec,
    pub(crate) reply: Reply,
}

/// Connections and calls in flight on each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.connections, self.in_flight)
    }
}

/// One measurement of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    /// Of the server, in `elapsed`.
    pub(crate) cpu: Cpu,
}

impl Sample {
    pub(crate) fn micros_per_call(&self) -> f64 {
        self.cpu.total.as_secs_f64() * 1e6 / self.calls as f64
    }

    /// How busy the server kept its core, from 0 to 1.
    pub(crate) fn utilisation(&self) -> f64 {
        self.cpu.total.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// Loads `server` in `shape`, first for `warm_up` unmeasured, then for `duration`.
///
/// # Errors
/// A wrong first reply, a reply whose length or bytes differ from the first, a closed connection,
/// [`SILENCE`], or no completed call at all.
pub(crate) fn run(server: &Endpoint, shape: Shape, warm_up: Duration, duration: Duration) -> Result<Sample> {
    let mut load = Load::open(server, shape)?;
    load.run_for(warm_up)?;
    let (calls, cpu, start) = (load.calls, Cpu::of(server.pid)?, Instant::now());
    load.run_for(duration)?;
    let elapsed = start.elapsed();
    let cpu = Cpu::of(server.pid)?.since(cpu);
    let calls = load.calls - calls;
    load.finish()?;
    if calls == 0 {
        return Err(format!("no call of {shape} completed in {duration:?}").into());
    }
    Ok(Sample { calls, elapsed, cpu })
}

/// Opens a connection: the handshake and one call, whose reply is checked.
pub(crate) fn dial(server: &Endpoint) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&server.addr, SILENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.write_all(format!("CONNECT {} HTTP/1.0\n\n", server.codec.path()).as_bytes())?;
    let mut answer = [0; CONNECTED.len()];
    stream.read_exact(&mut answer)?;
    if answer != CONNECTED {
        return Err(format!("CONNECT was answered with {:?}", String::from_utf8_lossy(&answer)).into());
    }
    call(&mut stream, server.codec.first_request(), server.reply)?;
    Ok(stream)
}

/// Sends one request and returns its reply, complete and right.
fn call(stream: &mut TcpStream, request: &[u8], reply: Reply) -> Result<Vec<u8>> {
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err("connection closed instead of a reply".into());
        }
        received.extend_from_slice(&chunk[..count]);
        match reply.length(&received) {
            None if received.len() < chunk.len() => {}
            Some(length) if length == received.len() && reply.is_right(&received) => return Ok(received),
            _ => return Err(format!("wrong reply: {:?}", String::from_utf8_lossy(&received)).into()),
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of a reply whose rest is still to come.
    partial: usize,
}

struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    in_flight: usize,
    /// As many requests as may be in flight, ready to be sent in part or whole.
    burst: Vec<u8>,
    request_bytes: usize,
    /// What every reply must be.
    reply: Vec<u8>,
    input: Vec<u8>,
    /// Replies received so far.
    calls: u64,
}

impl Load {
    /// Opens all connections, then fills every window.
    fn open(server: &Endpoint, shape: Shape) -> Result<Self> {
        let request = server.codec.request();
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(shape.connections);
        let mut reply = Vec::new();
        for index in 0..shape.connections {
            let mut stream = dial(server)?;
            reply = call(&mut stream, request, server.reply)?;
            stream.set_nonblocking(true)?;
            poll.registry().register(&mut SourceFd(&stream.as_raw_fd()), Token(index), Interest::READABLE)?;
            connections.push(Connection { stream, partial: 0 });
        }
        if reply.len() != server.codec.reply_bytes() {
            let (is, floor) = (reply.len(), server.codec.reply_bytes());
            return Err(format!("a reply has {is} bytes, but the floor's {floor}: not comparable").into());
        }
        let mut load = Self {
            poll,
            events: Events::with_capacity(256),
            connections,
            in_flight: shape.in_flight,
            burst: request.repeat(shape.in_flight),
            request_bytes: request.len(),
            reply,
            input: vec![0; READ_BYTES],
            calls: 0,
        };
        for connection in &mut load.connections {
            send(&mut connection.stream, &load.burst)?;
        }
        Ok(load)
    }

    fn run_for(&mut self, duration: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < duration {
            self.turn()?;
        }
        Ok(())
    }

    /// Waits for replies and sends a new request for each.
    fn turn(&mut self) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(SILENCE)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        if self.events.is_empty() {
            return Err(format!("no reply for {SILENCE:?}").into());
        }
        for event in &self.events {
            let connection = &mut self.connections[event.token().0];
            let received = match connection.stream.read(&mut self.input) {
                Ok(0) => return Err("connection closed under load".into()),
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let bytes = connection.partial + received;
            let replies = bytes / self.reply.len();
            connection.partial = bytes % self.reply.len();
            if replies > self.in_flight {
                return Err(format!("{replies} replies to {} requests", self.in_flight).into());
            }
            self.calls += replies as u64;
            send(&mut connection.stream, &self.burst[..replies * self.request_bytes])?;
        }
        Ok(())
    }

    /// Reads the replies still owed and compares each connection's last one with the first: had any
    /// reply in between another length, this one would not be in its place.
    fn finish(self) -> Result<()> {
        for mut connection in self.connections {
            connection.stream.set_nonblocking(false)?;
            let mut owed = vec![0; self.in_flight * self.reply.len() - connection.partial];
            connection.stream.read_exact(&mut owed)?;
            let last = &owed[owed.len().saturating_sub(self.reply.len())..];
            if !self.reply.ends_with(last) {
                return Err(format!("the last reply differs: {:?}", String::from_utf8_lossy(last)).into());
            }
        }
        Ok(())
    }
}

/// A window of requests is a few KiB and the server has taken all before it: a socket that does not
/// take one at once is an error.
fn send(stream: &mut TcpStream, requests: &[u8]) -> Result<()> {
    if requests.is_empty() {
        return Ok(());
    }
    let written = stream.write(requests)?;
    if written == requests.len() {
        Ok(())
    } else {
        Err(format!("only {written} of {} bytes could be sent", requests.len()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::floor;

    fn floor_endpoint(reply_bytes: usize) -> Endpoint {
        let codec = Codec::Bson;
        let sizes = floor::Sizes { request_bytes: codec.request().len(), reply_bytes };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                floor::accept(tokio::net::TcpListener::from_std(listener).unwrap(), sizes).await
            })
        });
        Endpoint { addr, pid: std::process::id(), codec, reply: Reply::Opaque(reply_bytes) }
    }

    #[test]
    fn the_floor_answers_every_window_in_full() {
        let server = floor_endpoint(Codec::Bson.reply_bytes());
        for (connections, in_flight) in [(1, 1), (1, 64), (8, 3)] {
            let shape = Shape { connections, in_flight };
            let sample = run(&server, shape, Duration::ZERO, Duration::from_millis(50)).unwrap();
            assert!(sample.calls > 0 && sample.elapsed >= Duration::from_millis(50), "{sample:?}");
        }
    }

    #[test]
    fn replies_of_another_size_than_the_floor_are_refused() {
        let server = floor_endpoint(85);
        let shape = Shape { connections: 1, in_flight: 1 };
        let error = run(&server, shape, Duration::ZERO, Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "a reply has 85 bytes, but the floor's 84: not comparable");
    }

    #[test]
    fn bytes_beyond_the_reply_are_refused() {
        let server = Endpoint { reply: Reply::Opaque(80), ..floor_endpoint(84) };
        let error = dial(&server).unwrap_err();
        assert!(error.to_string().starts_with("wrong reply"), "{error}");
    }
}
