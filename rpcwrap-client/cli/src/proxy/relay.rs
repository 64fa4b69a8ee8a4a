//! One relayed connection: bytes go on as they come, in both directions, with the faults that were asked for.
//!
//! Each direction reads chunks into a short queue and writes them when they are due, so that a delay makes bytes late
//! but not the connection slow. It must not know what the bytes mean.

use super::{
    fault::{ChunkOutcome, FaultSampler, Faults},
    record::{Direction, Event},
};
use bytes::BytesMut;
use socket2::SockRef;
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc::{Receiver, Sender, channel},
    time::{Instant, sleep_until},
    try_join,
};

/// The most one read takes, and so the most one record shows.
const CHUNK_BYTES: usize = 16 << 10;
/// Chunks of one direction that may wait to be due; then it is no longer read: 1 MiB.
const QUEUE_CHUNKS: usize = 64;

/// What became of a relayed connection.
#[derive(Debug)]
enum RelayEnd {
    /// One side closed a connection on which nothing moves any more.
    Silent,
    /// A fault: both sides get a reset.
    Reset,
    /// One side broke off; so does the other.
    Broken(io::Error),
}

impl From<io::Error> for RelayEnd {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// One connection and its faults.
#[derive(Debug)]
pub(crate) struct Relay<W> {
    faults: Faults,
    seed: u64,
    connection: u64,
    write_record: W,
    state: Mutex<RelayState>,
}

#[derive(Debug, Default)]
struct RelayState {
    /// A chunk was lost: nothing passes in either direction.
    is_silent: bool,
    has_server_spoken: bool,
    /// The end of the stall, once there was one.
    stalled_until: Option<Instant>,
}

/// What goes through a queue.
#[derive(Debug)]
enum QueuedChunk {
    Bytes { bytes: BytesMut, due: Instant },
    Silence,
}

impl<W: Fn(Event<'_>)> Relay<W> {
    /// `write_record` is told what happens, in the order it does.
    pub(crate) fn new(faults: Faults, seed: u64, connection: u64, write_record: W) -> Self {
        Self { faults, seed, connection, write_record, state: Mutex::default() }
    }

    /// Relays until both sides have ended, or one has broken off.
    pub(crate) async fn run(&self, mut client: TcpStream, mut server: TcpStream) {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let ended = try_join!(
            self.one_way(Direction::ToServer, from_client, to_server),
            self.one_way(Direction::ToClient, from_server, to_client),
        );
        if let Err(RelayEnd::Broken(error)) = &ended {
            (self.write_record)(Event::Broken(error));
        }
        if let Err(RelayEnd::Broken(_) | RelayEnd::Reset) = ended {
            reset(&client);
            reset(&server);
        }
        (self.write_record)(Event::Closed);
    }

    async fn one_way(
        &self,
        direction: Direction,
        from: ReadHalf<'_>,
        to: WriteHalf<'_>,
    ) -> Result<(), RelayEnd> {
        let (sender, receiver) = channel(QUEUE_CHUNKS);
        try_join!(self.read(direction, from, sender), self.write(direction, to, receiver))?;
        Ok(())
    }

    async fn read(
        &self,
        direction: Direction,
        mut from: ReadHalf<'_>,
        queue: Sender<QueuedChunk>,
    ) -> Result<(), RelayEnd> {
        let mut sampler = FaultSampler::new(self.seed, self.connection, direction as u64);
        loop {
            let mut bytes = BytesMut::with_capacity(CHUNK_BYTES);
            if from.read_buf(&mut bytes).await? == 0 {
                (self.write_record)(Event::EndOfStream(direction));
                return if self.state().is_silent { Err(RelayEnd::Silent) } else { Ok(()) };
            }
            let due = Instant::now() + self.faults.delay;
            let outcome = sampler.sample(&self.faults);
            (self.write_record)(Event::Chunk { direction, bytes: &bytes, outcome });
            let queued = match outcome {
                ChunkOutcome::Passed => QueuedChunk::Bytes { bytes, due },
                ChunkOutcome::Lost => QueuedChunk::Silence,
                ChunkOutcome::Reset => return Err(RelayEnd::Reset),
            };
            // The writer ends after the reader, unless it fails, and that ends both.
            let _ = queue.send(queued).await;
        }
    }

    /// Writes what is due; after the last of it passes on the end of the stream.
    async fn write(
        &self,
        direction: Direction,
        mut to: WriteHalf<'_>,
        mut queue: Receiver<QueuedChunk>,
    ) -> Result<(), RelayEnd> {
        while let Some(queued) = queue.recv().await {
            let QueuedChunk::Bytes { bytes, due } = queued else {
                self.state().is_silent = true;
                continue;
            };
            sleep_until(due).await;
            let stalled_until = self.stalled_until(direction);
            if let Some(until) = stalled_until {
                sleep_until(until).await;
            }
            if !self.state().is_silent {
                to.write_all(&bytes).await?;
            }
        }
        if !self.state().is_silent {
            to.shutdown().await?;
        }
        Ok(())
    }

    /// Until when nothing moves; it begins with the first bytes for the server after the server's own first.
    fn stalled_until(&self, direction: Direction) -> Option<Instant> {
        let mut state = self.state();
        match direction {
            Direction::ToClient => state.has_server_spoken = true,
            Direction::ToServer => {
                let begins = state.has_server_spoken && state.stalled_until.is_none();
                if begins && self.faults.stall > Duration::ZERO {
                    (self.write_record)(Event::Stall(self.faults.stall));
                    state.stalled_until = Some(Instant::now() + self.faults.stall);
                }
            }
        }
        state.stalled_until
    }

    fn state(&self) -> MutexGuard<'_, RelayState> {
        // A flag is right or wrong, never half set.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes closing this socket a reset: unsent bytes are dropped and the peer is told at once.
pub(crate) fn reset(stream: &TcpStream) {
    // A socket that is gone already needs no reset.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
