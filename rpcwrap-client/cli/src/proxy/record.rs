//! The record of what was relayed: each chunk as hex and text, each event in a line. It must not know sockets.
//!
//! ```text
//! 0.000213 #1 open 127.0.0.1:51234 -> 127.0.0.1:7070
//! 0.000310 #1 -> 34 bytes
//!   00000000  43 4f 4e 4e 45 43 54 20  2f 5f 6a 73 6f 6e 5f 72  |CONNECT /_json_r|
//! ```
//! Seconds since the start, number of the connection, `->` from the client to the server and `<-` back.

use super::fault::ChunkOutcome;
use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

impl Direction {
    const fn arrow(self) -> &'static str {
        match self {
            Self::ToServer => "->",
            Self::ToClient => "<-",
        }
    }
}

/// What happened on a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'e> {
    Open { client: SocketAddr, to: &'e str },
    NoServer(&'e io::Error),
    Chunk { direction: Direction, bytes: &'e [u8], outcome: ChunkOutcome },
    EndOfStream(Direction),
    Stall(Duration),
    Broken(&'e io::Error),
    Closed,
}

/// Where events are written; shared by all connections.
pub(crate) struct Record {
    started: Instant,
    out: Mutex<Option<Box<dyn Write + Send>>>,
}

impl Record {
    /// Writes to `out`, or nothing at all.
    pub(crate) fn new(out: Option<Box<dyn Write + Send>>) -> Self {
        Self { started: Instant::now(), out: Mutex::new(out) }
    }

    /// Writes one event, whole and at once. A sink that fails gets no more; the relay goes on.
    ///
    /// # Errors
    /// The first failure of the sink.
    pub(crate) fn write(&self, connection: u64, event: Event<'_>) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sink) = out.as_mut() else { return Ok(()) };
        let text = format!("{:.6} #{connection} {event}\n", self.started.elapsed().as_secs_f64());
        let written = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
        if written.is_err() {
            *out = None;
        }
        written
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Open { client, to } => write!(f, "open {client} -> {to}"),
            Self::NoServer(error) => write!(f, "no connection to the server: {error}"),
            Self::Chunk { direction, bytes, outcome } => {
                write!(f, "{} {} bytes", direction.arrow(), bytes.len())?;
                f.write_str(match outcome {
                    ChunkOutcome::Passed => "",
                    ChunkOutcome::Lost => ", lost: silent from here on",
                    ChunkOutcome::Reset => ", reset",
                })?;
                hex_dump(bytes, f)
            }
            Self::EndOfStream(direction) => write!(f, "{} end of stream", direction.arrow()),
            Self::Stall(time) => write!(f, "stall of {} ms", time.as_millis()),
            Self::Broken(error) => write!(f, "broken: {error}"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

/// Sixteen bytes per line: offset, hex in two groups, printable ASCII; as `hexdump -C`.
fn hex_dump(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, row) in bytes.chunks(16).enumerate() {
        write!(f, "\n  {:08x} ", index * 16)?;
        for column in 0..16 {
            if column % 8 == 0 {
                f.write_char(' ')?;
            }
            match row.get(column) {
                Some(byte) => write!(f, "{byte:02x} ")?,
                None => f.write_str("   ")?,
            }
        }
        f.write_str(" |")?;
        for &byte in row {
            let shown = if byte == b' ' || byte.is_ascii_graphic() { char::from(byte) } else { '.' };
            f.write_char(shown)?;
        }
        f.write_char('|')?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Sink {
        bytes: Arc<Mutex<Vec<u8>>>,
        is_full: bool,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.is_full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn chunks_are_hex_and_text() {
        let chunk =
            |bytes, outcome| Event::Chunk { direction: Direction::ToServer, bytes, outcome }.to_string();
        assert_eq!(
            chunk(b"CONNECT /_json_rpc_\n\x00\xff", ChunkOutcome::Passed),
            "-> 22 bytes\n  \
             00000000  43 4f 4e 4e 45 43 54 20  2f 5f 6a 73 6f 6e 5f 72  |CONNECT /_json_r|\n  \
             00000010  70 63 5f 0a 00 ff                                 |pc_...|"
        );
        assert!(chunk(b"x", ChunkOutcome::Lost).starts_with("-> 1 bytes, lost: silent from here on\n"));
        assert!(chunk(b"x", ChunkOutcome::Reset).starts_with("-> 1 bytes, reset\n"));
    }

    #[test]
    fn every_line_has_time_and_connection() {
        let sink = Sink::default();
        let record = Record::new(Some(Box::new(sink.clone())));
        record.write(1, Event::EndOfStream(Direction::ToClient)).unwrap();
        record.write(22, Event::Closed).unwrap();
        let text = String::from_utf8(sink.bytes.lock().unwrap().clone()).unwrap();
        let ends: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(ends, ["#1 <- end of stream", "#22 closed"]);
        assert!(text.lines().all(|line| line.split_once(' ').unwrap().0.parse::<f64>().is_ok()), "{text}");
    }

    #[test]
    fn a_sink_that_fails_is_told_of_once() {
        let record = Record::new(Some(Box::new(Sink { is_full: true, ..Sink::default() })));
        assert!(record.write(1, Event::Closed).is_err());
        assert!(record.write(1, Event::Closed).is_ok());
    }
}
