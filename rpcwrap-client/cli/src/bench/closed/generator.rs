//! One thread of a closed loop: waits for replies on its connections and sends a new request for each.
//!
//! One read and one write per readiness, and nothing else in between that costs: it has to cost less than any server it
//! loads. Connections are opened elsewhere and come in ready. It must not know codecs.

use super::{
    requests::Requests,
    window::{Arrival, KnownReplies, Window},
};
use crate::bench::{
    failure::Failure,
    tally::{RequestTimes, Tallies, Tally},
    target::Target,
};
use bytes::{Buf, BytesMut};
use mio::{Events, Interest, Poll, Token, Waker, event::Event, unix::SourceFd};
use rpcwrap_client::{DialError, Error, connect::Connected};
use std::{
    io::{self, ErrorKind, Read, Write},
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// Above any window of short replies, so that one read empties a socket.
const READ_BYTES: usize = 256 << 10;
const EVENTS: usize = 256;
/// Before a connection that broke is dialled again.
const PAUSE_AFTER_BREAK: Duration = Duration::from_millis(10);
/// Between tries to reach a server that cannot be.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// Means another thread, not a connection.
const WAKER: Token = Token(usize::MAX);

/// What the threads of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) target: Arc<Target>,
    pub(super) requests: Arc<Requests>,
    pub(super) started: Instant,
    /// How long requests are made.
    pub(super) duration: Duration,
    /// How long replies are then waited for.
    pub(super) grace: Duration,
    /// How many requests are made, and how many of them have been.
    pub(super) budget: u64,
    pub(super) taken: AtomicU64,
    /// Set to end at once, without the replies to calls in flight.
    pub(super) is_cut: AtomicBool,
    /// One for each thread.
    pub(super) tallies: Tallies,
}

impl Run {
    /// How many of `wanted` more requests may be made at this time.
    fn take(&self, wanted: usize, now: u64) -> usize {
        if Duration::from_nanos(now) >= self.duration {
            return 0;
        }
        if self.budget == u64::MAX {
            return wanted;
        }
        let taken = self.taken.fetch_add(wanted as u64, Ordering::Relaxed);
        usize::try_from(self.budget.saturating_sub(taken)).map_or(wanted, |left| left.min(wanted))
    }

    fn has_more(&self, now: u64) -> bool {
        Duration::from_nanos(now) < self.duration && self.taken.load(Ordering::Relaxed) < self.budget
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// One connection and what it is doing.
#[derive(Debug)]
pub(super) struct Connection {
    socket: socket2::Socket,
    window: Window,
    /// Not yet taken by the socket.
    output: BytesMut,
    /// A request was sent on it: what opens a connection has been.
    is_open: bool,
}

impl Connection {
    /// Over a connection's own socket, which does not block.
    pub(super) fn new(connected: Connected, slots: usize) -> Result<Self, DialError> {
        let Connected { stream, prefix, reader, .. } = connected;
        let socket = stream.into_std().map_err(DialError::Io)?.into();
        let window = Window::new(reader, prefix, slots);
        Ok(Self { socket, window, output: BytesMut::new(), is_open: false })
    }

    /// Queues the requests of these slots, neighbours in one piece.
    fn queue(&mut self, slots: &[usize], requests: &Requests, now: u64) {
        let mut rest = slots;
        if !self.is_open && !slots.is_empty() {
            self.is_open = true;
            requests.open(&mut self.output);
            self.window.send(0..1, now);
            rest = &slots[1..];
        }
        while let Some(&first) = rest.first() {
            let length = rest.iter().zip(first..).take_while(|(slot, next)| *slot == next).count();
            requests.write(first..first + length, &mut self.output);
            self.window.send(first..first + length, now);
            rest = &rest[length..];
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match (&self.socket).write(&self.output) {
                Ok(written) => self.output.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The connections of one thread; those that broke are `None` until they are dialled again.
pub(super) type Connections = Vec<Option<Connection>>;

/// A thread's work.
#[derive(Debug)]
pub(super) struct Generator {
    run: Arc<Run>,
    /// Which of the tallies is its own.
    index: usize,
    connections: Connections,
    poll: Poll,
    waker: Arc<Waker>,
    /// Where connections are dialled.
    runtime: Handle,
    redialled: (Sender<Redialled>, Receiver<Redialled>),
    known: KnownReplies,
    input: Box<[u8]>,
    freed: Vec<usize>,
}

/// A connection's place, and what came of dialling it again.
type Redialled = (usize, Result<Connection, Failure>);

impl Generator {
    /// For the thread `index` of a run.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub(super) fn new(
        run: Arc<Run>,
        index: usize,
        connections: Connections,
        runtime: Handle,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        for (place, connection) in connections.iter().enumerate() {
            if let Some(connection) = connection {
                register(&poll, connection, place)?;
            }
        }
        let known = vec![Vec::new(); run.requests.slots()];
        let (input, freed) = (vec![0; READ_BYTES].into(), Vec::new());
        Ok(Self { run, index, connections, poll, waker, runtime, redialled: channel(), known, input, freed })
    }

    /// Ends its wait, should it be in one.
    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// Makes calls until there are no more to make and none is in flight; the connections that are as good as new.
    ///
    /// # Errors
    /// The system's own: nothing that a server does is one.
    pub(super) fn run(mut self) -> io::Result<Connections> {
        let run = self.run.clone();
        self.start();
        let mut events = Events::with_capacity(EVENTS);
        let give_up = run.duration.saturating_add(run.grace);
        loop {
            let now = run.now();
            let is_late = Duration::from_nanos(now) >= give_up;
            if run.is_cut.load(Ordering::Relaxed) || is_late || self.is_done(now) {
                break;
            }
            let next = if run.has_more(now) { run.duration } else { give_up };
            let wait = (next < Duration::MAX).then(|| next.saturating_sub(Duration::from_nanos(now)));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let mut tally = run.tallies.get(self.index);
            for event in &events {
                match event.token() {
                    WAKER => self.take_redialled(&mut tally)?,
                    Token(place) => self.turn(place, event, &mut tally),
                }
            }
            if tally.last_failure().is_some() {
                // The other threads see it when they next wake: they, too, are answered with it.
                run.is_cut.store(true, Ordering::Relaxed);
            }
        }
        self.finish();
        Ok(self.connections)
    }

    /// The first requests of every connection.
    fn start(&mut self) {
        let run = self.run.clone();
        let mut tally = run.tallies.get(self.index);
        for place in 0..self.connections.len() {
            match &self.connections[place] {
                Some(_) => self.fill(place, &mut tally),
                None => self.redial(place, Duration::ZERO),
            }
        }
    }

    /// Fills the whole window of a connection.
    fn fill(&mut self, place: usize, tally: &mut Tally) {
        let now = self.run.now();
        self.freed.clear();
        self.freed.extend(0..self.run.requests.slots());
        if let Err(error) = self.refill(place, now) {
            self.broken(place, &error, now, tally);
        }
    }

    /// Sends as many new requests as calls have ended.
    fn refill(&mut self, place: usize, now: u64) -> Result<(), Error> {
        let Some(connection) = &mut self.connections[place] else { return Ok(()) };
        if !self.freed.is_empty() {
            let granted = self.run.take(self.freed.len(), now);
            connection.queue(&self.freed[..granted], &self.run.requests, now);
        }
        connection.flush().map_err(lost)
    }

    /// Reads and writes what a connection is ready for.
    fn turn(&mut self, place: usize, event: &Event, tally: &mut Tally) {
        self.freed.clear();
        let received =
            if event.is_readable() { self.receive(place, event.is_read_closed(), tally) } else { Ok(()) };
        let now = self.run.now();
        if let Err(error) = received.and_then(|()| self.refill(place, now)) {
            self.broken(place, &error, now, tally);
        }
    }

    /// Reads until there is no more; a read that does not fill the buffer says so, unless the end is known to be there.
    fn receive(&mut self, place: usize, has_ended: bool, tally: &mut Tally) -> Result<(), Error> {
        let Some(connection) = &mut self.connections[place] else { return Ok(()) };
        loop {
            let front = connection.window.take_rest(&mut self.input);
            let read = match (&connection.socket).read(&mut self.input[front..]) {
                Ok(0) => Err(lost(io::Error::new(ErrorKind::UnexpectedEof, "unexpected EOF"))),
                Ok(read) => Ok(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
                Err(error) => Err(lost(error)),
            };
            let available = front + *read.as_ref().unwrap_or(&0);
            let mut arrival = Arrival {
                requests: &self.run.requests,
                known: &mut self.known,
                tally,
                freed: &mut self.freed,
                now: self.run.now(),
            };
            connection.window.receive(&self.input[..available], &mut arrival)?;
            if read? == 0 || (available < self.input.len() && !has_ended) {
                return Ok(());
            }
        }
    }

    /// Counts the calls of a connection that broke, and dials it again.
    fn broken(&mut self, place: usize, error: &Error, now: u64, tally: &mut Tally) {
        let Some(connection) = self.connections[place].take() else { return };
        let failure = Failure::from(error);
        connection.window.waiting(now).for_each(|times| tally.failed(times, failure.clone()));
        self.redial(place, PAUSE_AFTER_BREAK);
    }

    fn redial(&self, place: usize, pause: Duration) {
        if !self.run.has_more(self.run.now()) {
            return;
        }
        let (run, sender, waker) = (self.run.clone(), self.redialled.0.clone(), self.waker.clone());
        self.runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            let connected = run.target.prepare().await;
            let connection = connected.and_then(|connected| Connection::new(connected, run.requests.slots()));
            // The run is over if its thread receives no more.
            if sender.send((place, connection.map_err(|error| Failure::from(&error)))).is_ok() {
                let _ = waker.wake();
            }
        });
    }

    fn take_redialled(&mut self, tally: &mut Tally) -> io::Result<()> {
        while let Ok((place, connection)) = self.redialled.1.try_recv() {
            match connection {
                Ok(connection) => {
                    register(&self.poll, &connection, place)?;
                    self.connections[place] = Some(connection);
                    self.fill(place, tally);
                }
                // Each of its calls would have met the same.
                Err(failure) => {
                    let none = RequestTimes { response: Duration::ZERO, service: Duration::ZERO };
                    for _ in 0..self.run.take(self.run.requests.slots(), self.run.now()) {
                        tally.failed(none, failure.clone());
                    }
                    self.redial(place, PAUSE_AFTER_REFUSAL);
                }
            }
        }
        Ok(())
    }

    fn is_done(&self, now: u64) -> bool {
        let mut connections = self.connections.iter().flatten();
        !self.run.has_more(now) && connections.all(|connection| connection.window.in_flight() == 0)
    }

    /// Counts what is unfinished; a connection with late replies to come is of no more use.
    fn finish(&mut self) {
        let now = self.run.now();
        let mut tally = self.run.tallies.get(self.index);
        for connection in &mut self.connections {
            if let Some(unfinished) = connection.take_if(|connection| connection.window.in_flight() > 0) {
                unfinished.window.waiting(now).for_each(|times| tally.left_in_flight(times));
            }
        }
    }
}

fn register(poll: &Poll, connection: &Connection, place: usize) -> io::Result<()> {
    let socket = connection.socket.as_raw_fd();
    poll.registry().register(&mut SourceFd(&socket), Token(place), Interest::READABLE | Interest::WRITABLE)
}

fn lost(error: io::Error) -> Error {
    Error::Io(Arc::new(error))
}
