//! One connection's calls: read, start, poll, write, all in the connection's own task.
//!
//! Each turn reads what is there, starts each request and polls it once in place, lets waiting calls that are ready
//! write, and sends everything in one write. Three things stop reading: `max_in_flight` calls, `max_output_bytes` of
//! replies the peer has not taken, and the end of the stream. Requests already read are always answered: as each is
//! ready or, where a protocol's replies do not say what they answer, in the order of the requests.
//!
//! What differs between protocols is a [`Framing`]: how requests are read and replies written, and which of them are no
//! calls but for the session itself ([`Control`]). Programs bring their own, see
//! [`ConnCx::session`](crate::protocol::ConnCx::session).

mod answers;
mod batch;
mod by_codec;
mod calls;
mod control;
mod framing;
mod in_flight;
mod ordered;
mod scratch;
mod wait;

use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::InFlightCall,
    },
    error::{CallError, ProtoError},
    io::{
        Stream,
        close::{close, close_gently},
    },
    live::{config::Config, lifetime::Stage, policy::Policy, shutdown::Phase, tracker::Tracked},
    method::running::Written,
    peer::Peer,
};
use batch::Batch;
pub(crate) use by_codec::serve;
use bytes::{Buf, BytesMut};
pub use calls::{Calls, Start};
use codecs::{DecodeError, END_OF_STREAM};
pub use control::{Answer, Control};
pub use framing::Framing;
use in_flight::{CallsInFlight, SessionCall};
use ordered::{NextReply, ReplyOrder};
use scratch::{READ_BYTES, Scratch};
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    time::{Instant, Sleep},
};
use wait::Wait;

/// Requests started, and waiting calls answered, before the batch is written.
const BATCH: usize = 256;
/// Turns of one poll before other tasks of the thread get theirs.
const TURNS: usize = 16;

/// How a session ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything that was read is answered.
    Closed,
    /// Nothing was ever asked: a health probe that went as far as the handshake.
    NoCall,
}

/// A session at work, whatever its framing: what [`Session::run`] returns, on the heap.
pub type SessionFuture = Pin<Box<dyn Future<Output = Result<End, ProtoError>> + Send>>;

/// One connection after its handshake, made by [`ConnCx::session`](crate::protocol::ConnCx::session).
///
/// It keeps to the server's limits (`max_in_flight`, `max_output_bytes`, `stall_timeout`, `idle_timeout`, the age of
/// connections), drains with it, and is counted and shown with all others.
pub struct Session<F: Framing> {
    stream: Stream,
    framing: F,
    dispatch: Arc<Dispatch>,
    tracked: Arc<Tracked>,
    peer: Arc<Peer>,
    /// Of the policy whose limits the framing keeps to.
    generation: u64,
    in_flight: CallsInFlight<F>,
    /// Of an ordered session: which reply is next.
    order: ReplyOrder<SessionCall<F::Head>>,
    /// Nothing is decoded before it is ready.
    check: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
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
    needs_input: bool,
    /// No more is read: the peer has closed its side.
    ended: bool,
    /// No more is decoded: the stream is out of step, or has ended.
    closing: bool,
    /// Why it is out of step.
    fault: Option<Box<ProtoError>>,
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
            in_flight: CallsInFlight::new(),
            order: ReplyOrder::new(),
            check: None,
            input,
            output: BytesMut::new(),
            timer: None,
            wait: None,
            since: Instant::now(),
            stage: Stage::Young,
            unflushed: false,
            called: false,
            draining: false,
            needs_input: true,
            ended: false,
            closing: false,
            fault: None,
        }
    }

    /// Writes `unsent` before anything else.
    pub(crate) fn set_unsent(&mut self, unsent: BytesMut) {
        self.output = unsent;
    }

    /// Serves until the peer closes, breaks the rules, or the server has drained. What was read before is answered.
    ///
    /// # Errors
    /// The peer broke the rules or a limit, or the socket failed: the connection is closed.
    pub async fn run(mut self: Box<Self>) -> Result<End, ProtoError> {
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
        // On the heap: this future is as large as the largest part of it, and sits idle for long.
        Box::pin(self.close()).await?;
        match self.fault.take() {
            Some(fault) => Err(*fault),
            None => Ok(end),
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        // The peer has closed its side already where it ended; otherwise its last words must not reset our reply.
        if self.ended {
            // It may have closed its other side too.
            let _ = close(&mut self.stream).await;
            return Ok(());
        }
        close_gently(&mut self.stream).await
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
        let done = self.closing && self.pending() == 0 && output.is_empty() && !self.unflushed;
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
        let checked = self.check.is_some() && self.poll_check(cx, output);
        let started = self.start_requests(policy, scratch, input, output);
        let sent = self.send(cx, output)?;
        let received = self.receive(cx, &policy.config, input, output)?;
        Ok(answered || checked || started || sent || received)
    }

    /// Lets waiting calls that are ready write their replies.
    fn answer_ready(&mut self, cx: &mut Context<'_>, config: &Config, output: &mut BytesMut) -> bool {
        let mut answered = 0;
        while answered < BATCH && output.len() < config.max_output_bytes {
            match if F::ORDERED { self.order.next() } else { None } {
                Some(NextReply::Ready(waiting)) => self.answer(waiting, output),
                Some(NextReply::Answer(answer)) => output.extend_from_slice(&answer),
                Some(NextReply::Running) | None => {
                    let Poll::Ready(waiting) = self.in_flight.poll_ready(cx) else { break };
                    if F::ORDERED {
                        self.order.ready(waiting.place, waiting);
                        continue;
                    }
                    self.answer(waiting, output);
                }
            }
            answered += 1;
        }
        answered > 0
    }

    fn answer(&mut self, mut waiting: SessionCall<F::Head>, output: &mut BytesMut) {
        let SessionCall { head, call, .. } = &mut waiting;
        match call.write(&mut self.framing.reply_to(head), output) {
            Written::Item | Written::Later => {
                if F::ORDERED {
                    self.order.run_on();
                }
                self.in_flight.push_back(waiting);
            }
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
        self.needs_input = input.is_empty() && !self.ended;
        if self.needs_input || self.check.is_some() {
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
            let decoded = if self.ended { self.decode_last(input) } else { self.framing.decode(input) };
            match &decoded {
                // A request stays where it was put: most are over before they would have to be moved.
                Ok(Some(request)) => {
                    if let Some(control) = self.framing.control(request) {
                        requests += 1;
                        if self.apply_control(control, request, output) {
                            continue;
                        }
                        break;
                    }
                    if let Some(call) = self.start(request, &dispatch, &caller, &mut batch, output)
                        && let Ok(Some(request)) = decoded
                    {
                        let place = if F::ORDERED { self.order.run() } else { 0 };
                        self.in_flight.push(F::into_head(request), call, place);
                    }
                }
                Ok(None) => {
                    self.needs_input = true;
                    break;
                }
                Err(error) => self.stop_decoding(error, output),
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

    /// The next request after the peer has closed its side: whatever is left is the last.
    #[cold]
    fn decode_last(&mut self, input: &mut BytesMut) -> Result<Option<F::Request>, DecodeError> {
        match self.framing.decode(input) {
            Ok(None) => {
                self.closing = true;
                self.framing.decode_eof(input)
            }
            decoded => decoded,
        }
    }

    /// Whether another call may start: permits are taken before its request is decoded.
    #[inline]
    fn has_room(&self, config: &Config, output: &BytesMut) -> bool {
        if F::ORDERED {
            let bytes = output.len().saturating_add(self.order.held());
            return self.order.len() < config.max_in_flight && bytes < config.max_output_bytes;
        }
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
    ) -> Option<InFlightCall> {
        let began = batch.now();
        if self.stage >= Stage::Refusing {
            self.dispatch.live.stats.drained_calls.add_one();
            let refused = Refused { error: CallError::Draining, entry: None };
            self.refuse(request, refused, batch, output);
            return None;
        }
        let calls = Calls { last: batch.last(), dispatch, caller, now: began };
        // A call stays where it was put, too.
        let mut start = self.framing.start(request, calls).0;
        if let Ok(started) = &start
            && started.has_layers()
        {
            start = start.map(|started| started.enter_layers(caller.peer, F::wire_len(request), began));
        }
        let Ok(started) = &mut start else {
            if let Err(refused) = start {
                self.refuse(request, refused, batch, output);
            }
            return None;
        };
        batch.start(started.entry, F::wire_len(request));
        let wait = |start: Result<_, Refused<'_>>, written| {
            let bytes_in = F::wire_len(request);
            Some(InFlightCall::new(&dispatch.live, start.ok()?, caller.peer, bytes_in, written, began))
        };
        if F::ORDERED && !self.order.is_empty() {
            return wait(start, 0);
        }
        let before = output.len();
        // A waker that does nothing: whatever is not ready is polled again by the set, with the set's own.
        let mut no_task = Context::from_waker(Waker::noop());
        let head = F::head(request);
        let mut to = self.framing.reply_to(head);
        let failed = match dispatch.step(started, &mut no_task, &mut to, output) {
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
                return wait(start, written);
            }
        };
        let written = output.len() - before;
        batch.write(written);
        batch.finish(began, failed, written);
        None
    }

    #[cold]
    fn refuse<'d>(
        &mut self,
        request: &F::Request,
        refused: Refused<'d>,
        batch: &mut Batch<'_, 'd>,
        output: &mut BytesMut,
    ) {
        let written = self.in_turn(output, |framing, out| framing.refuse(request, &refused.error, out));
        // Bytes that could not be walked to their end say nothing about where the next message starts.
        self.closing |= matches!(&refused.error, CallError::BadArguments(error) if error.is_fatal());
        if let Some(entry) = refused.entry {
            let now = batch.now();
            batch.start(entry, F::wire_len(request));
            batch.write(written);
            batch.finish(now, Some(Box::new(refused.error)), 0);
        }
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
        if !self.needs_input || self.ended || self.closing || !self.has_room(config, output) {
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
}

impl<F: Framing> Session<F> {
    /// Requests that are not answered yet.
    fn pending(&self) -> usize {
        self.in_flight.len().max(self.order.len()) + usize::from(self.check.is_some())
    }

    /// Whether there are replies the peer has not taken.
    fn has_unsent(&self) -> bool {
        !self.output.is_empty() || self.unflushed
    }
}

impl<F: Framing> fmt::Debug for Session<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<F: Framing> Drop for Session<F> {
    fn drop(&mut self) {
        if self.has_unsent() && self.dispatch.live.shutdown.phase() == Phase::Stopped {
            self.dispatch.live.shutdown.count_cut();
        }
    }
}
