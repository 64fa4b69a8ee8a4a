//! One connection's calls: read, start, poll, write, all in the connection's own task.
//!
//! Each turn reads what is there, starts each request and polls it once in place, lets waiting calls that are ready
//! write, and sends everything in one write. Three things stop reading: `max_in_flight` calls, `max_output_bytes` of
//! replies the peer has not taken, and the end of the stream. Requests already read are always answered. A protocol
//! whose requests carry an id ends in one of these; what it has to know of the bytes is in [`framing`].

mod batch;
mod by_codec;
mod framing;
mod in_flight;
mod scratch;

use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::Flight,
    },
    error::{CallError, ProtoError},
    io::{
        Stream,
        close::{close, close_gently},
    },
    live::{
        config::Config,
        lifetime::{self, Stage},
        policy::Policy,
        shutdown::Phase,
        tracker::Tracked,
    },
    method::running::Written,
    peer::Peer,
};
use batch::Batch;
pub(crate) use by_codec::{Serving, serve};
use bytes::{Buf, BytesMut};
use codecs::{DecodeError, END_OF_STREAM};
pub(crate) use framing::Framing;
pub(crate) use in_flight::InFlight;
use in_flight::Waiting;
use scratch::{READ_BYTES, Scratch};
use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};

/// Requests started, and waiting calls answered, before the batch is written.
const BATCH: usize = 256;
/// Turns of one poll before other tasks of the thread get theirs.
const TURNS: usize = 16;
/// A draining connection is closed when it has been quiet for this long: calls on their way are still told.
const QUIET: Duration = Duration::from_millis(100);
/// How often a peer that is not read while calls run, because it has closed its sending side or has all the calls it
/// may have, is looked after: nothing else tells that it has gone altogether.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// How a session ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    /// Nobody ever called: a health probe that went as far as the handshake.
    NoCall,
}

/// One connection after its handshake.
pub(crate) struct Session<F: Framing> {
    stream: Stream,
    framing: F,
    dispatch: Arc<Dispatch>,
    tracked: Arc<Tracked>,
    peer: Arc<Peer>,
    /// Of the policy whose limits the framing keeps to.
    generation: u64,
    in_flight: InFlight<F>,
    /// Read and not yet decoded; empty while idle.
    input: BytesMut,
    /// Encoded and not yet taken by the peer; empty while idle.
    output: BytesMut,
    timer: Option<Pin<Box<Sleep>>>,
    /// What the peer is waited for, and since when.
    wait: Option<Wait>,
    since: Instant,
    /// How old it is, as far as that matters.
    stage: Stage,
    /// The stream has taken bytes that the peer may not have.
    unflushed: bool,
    called: bool,
    draining: bool,
    /// What was read holds no whole request any more.
    hungry: bool,
    /// No more is read: the peer has closed its side.
    ended: bool,
    /// No more is decoded: the stream is out of step, or has ended.
    closing: bool,
    /// Why it is out of step.
    fault: Option<Box<ProtoError>>,
}

/// What a session waits for that may not take for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The peer to move a byte.
    Stall,
    /// A connection that is to be closed to stay quiet.
    Quiet,
    /// The next call.
    Call,
    /// A connection that is not read to turn out to be gone.
    Gone,
}

impl<F: Framing> Session<F> {
    /// A session of `peer` on `stream`, of which `input` has been read already.
    pub(crate) fn new(
        stream: Stream,
        input: BytesMut,
        framing: F,
        dispatch: Arc<Dispatch>,
        tracked: Arc<Tracked>,
        peer: Arc<Peer>,
    ) -> Self {
        Self {
            stream,
            framing,
            dispatch,
            tracked,
            peer,
            generation: u64::MAX,
            in_flight: InFlight::new(),
            input,
            output: BytesMut::new(),
            timer: None,
            wait: None,
            since: Instant::now(),
            stage: Stage::Young,
            unflushed: false,
            called: false,
            draining: false,
            hungry: true,
            ended: false,
            closing: false,
            fault: None,
        }
    }

    /// Serves until the peer closes, breaks the rules, or the server has drained. What was read before is answered.
    pub(crate) async fn run(mut self: Box<Self>) -> Result<End, ProtoError> {
        let ended = {
            let mut draining = pin!(self.dispatch.live.shutdown.reached(Phase::Draining));
            poll_fn(|cx| {
                self.draining = self.draining || draining.as_mut().poll(cx).is_ready();
                let mut scratch = Scratch::take();
                let policy = self.dispatch.live.policy();
                let turned = self.turns(cx, &policy, &mut scratch);
                scratch.give_back();
                turned
            })
            .await
        };
        let end = if self.called { End::Closed } else { End::NoCall };
        match ended {
            // Probes often end with a reset.
            Err(error) if !self.called && error.kind() != io::ErrorKind::TimedOut => return Ok(End::NoCall),
            ended => ended?,
        }
        // The peer has closed its side already where it ended; otherwise its last words must not reset our reply.
        if self.ended {
            // It may have closed its other side too.
            let _ = close(&mut self.stream).await;
        } else {
            close_gently(&mut self.stream).await?;
        }
        match self.fault.take() {
            Some(fault) => Err(*fault),
            None => Ok(end),
        }
    }

    /// Turns until nothing moves.
    fn turns(
        &mut self,
        cx: &mut Context<'_>,
        policy: &Policy,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<()>> {
        let mut input = scratch.input(&mut self.input);
        let mut output = scratch.output(&mut self.output);
        let mut moved = false;
        let mut turns = 0;
        let result = loop {
            match self.turn(cx, policy, scratch, &mut input, &mut output) {
                Ok(true) if turns < TURNS => moved = true,
                Ok(true) => {
                    cx.waker().wake_by_ref();
                    break Ok(());
                }
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            turns += 1;
        };
        let done = self.closing && self.in_flight.len() == 0 && output.is_empty() && !self.unflushed;
        scratch.return_input(input, &mut self.input);
        scratch.return_output(output, &mut self.output);
        match result {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) if done => Poll::Ready(Ok(())),
            Ok(()) => self.wait(cx, &policy.config, moved),
        }
    }

    /// One round of everything; whether anything happened.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        policy: &Policy,
        scratch: &mut Scratch,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> io::Result<bool> {
        let answered = self.answer_ready(cx, &policy.config, output);
        let started = self.start_requests(policy, scratch, input, output);
        let sent = self.send(cx, output)?;
        let received = self.receive(cx, &policy.config, input, output)?;
        Ok(answered || started || sent || received)
    }

    /// Lets waiting calls that are ready write their replies.
    fn answer_ready(&mut self, cx: &mut Context<'_>, config: &Config, output: &mut BytesMut) -> bool {
        let mut answered = 0;
        while answered < BATCH && output.len() < config.max_output_bytes {
            let Poll::Ready(waiting) = self.in_flight.poll_ready(cx) else { break };
            self.answer(waiting, output);
            answered += 1;
        }
        answered > 0
    }

    fn answer(&mut self, mut waiting: Waiting<F::Head>, output: &mut BytesMut) {
        let Waiting { head, flight, .. } = &mut waiting;
        match flight.write(&mut self.framing.reply_to(head), output) {
            Written::Item | Written::Later => self.in_flight.push_back(waiting),
            Written::Last(Ok(())) => {}
            Written::Last(Err(error)) => self.framing.fail(head, &error, output),
            Written::End => self.framing.end_stream(head, output),
        }
    }

    /// Decodes and starts requests while there are permits; whether there were any.
    fn start_requests(
        &mut self,
        policy: &Policy,
        scratch: &mut Scratch,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> bool {
        self.hungry = input.is_empty() && !self.ended;
        if self.hungry {
            return false;
        }
        if self.generation != policy.generation() {
            self.generation = policy.generation();
            self.framing.set_limits(policy.config.message_limits());
        }
        let (dispatch, peer) = (self.dispatch.clone(), self.peer.clone());
        let caller = Caller::new(&peer, policy);
        let mut batch = Batch::new(&mut scratch.tally, &dispatch.live, &peer);
        let mut requests = 0;
        while requests < BATCH && !self.closing && self.has_room(&policy.config, output) {
            let decoded = self.decode(input);
            match &decoded {
                // A request stays where it was put: most are over before they would have to be moved.
                Ok(Some(request)) => {
                    if let Some(flight) = self.start(request, &dispatch, &caller, &mut batch, output)
                        && let Ok(Some(request)) = decoded
                    {
                        self.in_flight.push(F::into_head(request), flight);
                    }
                }
                Ok(None) => {
                    self.hungry = true;
                    break;
                }
                Err(error) => {
                    self.fault = Some(Box::new(error.clone().into()));
                    self.closing = true;
                }
            }
            requests += 1;
        }
        batch.merge();
        if self.closing {
            input.clear();
        }
        self.called |= requests > 0;
        self.tracked.called(requests);
        requests > 0
    }

    /// The next request; once the peer has closed its side, whatever is left is the last.
    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<F::Request>, DecodeError> {
        let decoded = self.framing.decode(input);
        if self.ended && matches!(decoded, Ok(None)) {
            self.closing = true;
            return self.framing.decode_eof(input);
        }
        decoded
    }

    /// Whether another call may start: permits are taken before its request is decoded.
    #[inline]
    fn has_room(&self, config: &Config, output: &BytesMut) -> bool {
        self.in_flight.len() < config.max_in_flight && output.len() < config.max_output_bytes
    }

    /// Starts one request and polls it once; what is not ready then has to wait.
    #[inline]
    fn start<'d>(
        &mut self,
        request: &F::Request,
        dispatch: &'d Arc<Dispatch>,
        caller: &Caller<'_>,
        batch: &mut Batch<'_, 'd>,
        output: &mut BytesMut,
    ) -> Option<Flight> {
        let began = batch.now();
        if self.stage >= Stage::Refusing {
            self.dispatch.live.stats.drained_calls.add_one();
            let refused = Refused { error: CallError::Draining, entry: None };
            self.refuse(request, &refused, batch, output);
            return None;
        }
        let mut started = match self.framing.start(request, batch.last(), dispatch, caller, began) {
            Ok(started) => started,
            Err(refused) => {
                self.refuse(request, &refused, batch, output);
                return None;
            }
        };
        batch.start(started.entry, F::wire_len(request));
        started = started.enter_layers(caller.peer, F::wire_len(request), began);
        let before = output.len();
        // A waker that does nothing: whatever is not ready is polled again by the set, with the set's own.
        let mut nobody = Context::from_waker(Waker::noop());
        let head = F::head(request);
        let mut to = self.framing.reply_to(head);
        let failed = match dispatch.step(&mut started, &mut nobody, &mut to, output) {
            Poll::Ready(Written::Last(Ok(()))) => None,
            Poll::Ready(Written::Last(Err(error))) => {
                self.framing.fail(head, &error, output);
                let is_end = matches!(&*error, CallError::Failed(error) if error.text() == END_OF_STREAM);
                (!is_end).then_some(error)
            }
            Poll::Ready(Written::End) => {
                self.framing.end_stream(head, output);
                None
            }
            Poll::Pending | Poll::Ready(Written::Item | Written::Later) => {
                // A stream's first item is written already; the rest of it waits like any other call.
                let written = output.len() - before;
                batch.write(written);
                let bytes_in = F::wire_len(request);
                return Some(Flight::new(&dispatch.live, started, caller.peer, bytes_in, written, began));
            }
        };
        let written = output.len() - before;
        batch.write(written);
        batch.finish(began, failed.as_deref(), || F::wire_len(request), written);
        None
    }

    #[cold]
    fn refuse<'d>(
        &mut self,
        request: &F::Request,
        refused: &Refused<'d>,
        batch: &mut Batch<'_, 'd>,
        output: &mut BytesMut,
    ) {
        if matches!(refused.error, CallError::UnknownService(_))
            && self.framing.control(request, &mut self.in_flight, output)
        {
            return;
        }
        let before = output.len();
        self.framing.refuse(request, &refused.error, output);
        if let Some(entry) = refused.entry {
            let now = batch.now();
            batch.start(entry, F::wire_len(request));
            batch.write(output.len() - before);
            batch.finish(now, Some(&refused.error), || F::wire_len(request), 0);
        }
        // Bytes that could not be walked to their end say nothing about where the next message starts.
        self.closing |= matches!(&refused.error, CallError::BadArguments(error) if error.is_fatal());
    }

    /// Writes as much as the peer takes.
    fn send(&mut self, cx: &mut Context<'_>, output: &mut BytesMut) -> io::Result<bool> {
        let mut sent = false;
        while !output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, output) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => {
                    self.tracked.sent(n);
                    output.advance(n);
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
            sent = true;
            self.unflushed = true;
        }
        // What TLS has taken may still be here.
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(sent)
    }

    /// Reads what is there, once all that was read before has been started.
    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        config: &Config,
        input: &mut BytesMut,
        output: &BytesMut,
    ) -> io::Result<bool> {
        if !self.hungry || self.ended || self.closing || !self.has_room(config, output) {
            return Ok(false);
        }
        input.reserve(READ_BYTES);
        let read = pin!(self.stream.read_buf(input));
        match read.poll(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) => {
                self.ended = true;
                Ok(true)
            }
            Poll::Ready(Ok(n)) => {
                self.tracked.received(n);
                Ok(true)
            }
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    /// Nothing moves: waits for the peer, with a limit where the peer owes something or the session is to end.
    ///
    /// The timer exists only while there is a limit, and is moved only when it has gone off too early: the peer having
    /// moved a byte costs one look at the clock.
    fn wait(&mut self, cx: &mut Context<'_>, config: &Config, moved: bool) -> Poll<io::Result<()>> {
        self.tracked.set_in_flight(self.in_flight.len());
        let wait = self.wanted(config);
        if wait.is_none() && config.max_connection_age.is_none() {
            (self.timer, self.wait) = (None, None);
            return Poll::Pending;
        }
        if moved || self.wait != wait {
            (self.wait, self.since) = (wait, Instant::now());
        }
        let limit = wait.and_then(|wait| {
            self.since.checked_add(match wait {
                Wait::Stall => config.stall_timeout,
                Wait::Quiet => QUIET,
                Wait::Call => config.idle_timeout.unwrap_or(Duration::MAX),
                Wait::Gone => LOOK_AFTER,
            })
        });
        let aged = lifetime::reaches(self.stage.next(), &self.tracked, config);
        let Some(deadline) = limit.into_iter().chain(aged).min() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < deadline {
            timer.as_mut().reset(deadline);
            ready!(timer.as_mut().poll(cx));
        }
        self.timer = None;
        match wait {
            _ if aged == Some(deadline) => {
                self.stage = self.stage.next();
                if self.stage == Stage::Over {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the connection is too old",
                    )));
                }
            }
            Some(Wait::Quiet | Wait::Call) => return Poll::Ready(Ok(())),
            Some(Wait::Stall) => {
                self.dispatch.live.stats.stalled.add_one();
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer moves no byte")));
            }
            Some(Wait::Gone) if self.stream.is_gone() => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Some(Wait::Gone) | None => self.wait = None,
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What the session waits for and what may not take for ever.
    fn wanted(&self, config: &Config) -> Option<Wait> {
        let idle = self.in_flight.len() == 0;
        match () {
            () if self.owes() || (!self.input.is_empty() && idle) => Some(Wait::Stall),
            () if idle && (self.draining || self.stage > Stage::Young) => Some(Wait::Quiet),
            () if idle && config.idle_timeout.is_some() => Some(Wait::Call),
            () if !idle && (self.ended || !self.has_room(config, &self.output)) => Some(Wait::Gone),
            () => None,
        }
    }
}

impl<F: Framing> Session<F> {
    /// Whether there are replies the peer has not taken.
    fn owes(&self) -> bool {
        !self.output.is_empty() || self.unflushed
    }
}

impl<F: Framing> Drop for Session<F> {
    fn drop(&mut self) {
        if self.owes() && self.dispatch.live.shutdown.phase() == Phase::Stopped {
            self.dispatch.live.shutdown.count_cut();
        }
    }
}
