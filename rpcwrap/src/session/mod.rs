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
mod hold;
mod in_flight;
mod ordered;
mod requests;
mod scratch;
mod transfer;
mod wait;

use crate::{
    call::{dispatch::Dispatch, slice},
    error::ProtocolError,
    io::{
        Stream,
        close::{close, close_gently},
    },
    live::{lifetime::Stage, memory::STEP, policy::Policy, shutdown::Phase, tracked::Tracked},
    peer::Peer,
};
pub(crate) use by_codec::serve;
use bytes::BytesMut;
pub use calls::{Calls, Start};
pub use control::{Answer, Control};
pub use framing::Framing;
use hold::Hold;
use in_flight::{CallsInFlight, SessionCall};
use ordered::ReplyOrder;
use scratch::Scratch;
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use wait::Wait;

/// Requests started, and waiting calls answered, before the batch is written.
const BATCH: usize = 256;
/// How long the calls of a peer that goes on calling while the server drains are refused before it is closed.
const REFUSALS: Duration = Duration::from_secs(1);
/// Turns of one poll before other tasks of the thread get theirs.
const TURNS: usize = 16;

/// How a session ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Everything that was read is answered.
    Closed,
    /// Nothing was ever asked: a health probe that went as far as the handshake.
    NoCall,
}

/// A session at work, whatever its framing: what [`Session::run`] returns, on the heap.
pub type SessionFuture = Pin<Box<dyn Future<Output = Result<End, ProtocolError>> + Send>>;

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
    hold: Option<Hold<F>>,
    /// Read and not yet decoded; empty while idle.
    input: BytesMut,
    /// Encoded and not yet taken by the peer; empty while idle.
    output: BytesMut,
    /// What it was last said to hold, and the requests of calls that wait.
    held: usize,
    waiting_bytes: usize,
    /// Where memory is short: since when a peer is watched that owes something, and what it had moved then.
    watched: Option<Box<(Instant, u64)>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// What the peer is waited for, and since when.
    wait: Option<Wait>,
    since: Instant,
    /// When it began.
    began: Instant,
    /// How old it is, as far as that matters.
    stage: Stage,
    /// The peer calls nothing before it has logged in.
    must_log_in: bool,
    /// The stream has taken bytes that the peer may not have.
    unflushed: bool,
    called: bool,
    /// Since when new calls are refused, as the server drains.
    drained_since: Option<Instant>,
    /// What was read holds no whole request any more.
    needs_input: bool,
    /// No more is read: the peer has closed its side.
    ended: bool,
    /// No more is decoded: the stream is out of step, or has ended.
    closing: bool,
    /// Why it is out of step.
    fault: Option<Box<ProtocolError>>,
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
            hold: None,
            input,
            output: BytesMut::new(),
            held: 0,
            waiting_bytes: 0,
            watched: None,
            timer: None,
            wait: None,
            since: Instant::now(),
            began: Instant::now(),
            stage: Stage::Young,
            must_log_in: false,
            unflushed: false,
            called: false,
            drained_since: None,
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
    pub async fn run(mut self: Box<Self>) -> Result<End, ProtocolError> {
        let ended = {
            let mut draining = pin!(self.dispatch.live.shutdown.reached(Phase::Draining));
            poll_fn(|cx| {
                if self.drained_since.is_none() && draining.as_mut().poll(cx).is_ready() {
                    self.drained_since = Some(Instant::now());
                }
                let _slice = slice::Slice::begin();
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
            // A limit of ours: what was answered before is not to be lost to a reset.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Box::pin(self.cut()).await;
                return Err(error.into());
            }
            ended => ended?,
        }
        // On the heap: this future is as large as the largest part of it, and sits idle for long.
        Box::pin(self.close()).await?;
        match self.fault.take() {
            Some(fault) => Err(*fault),
            None => Ok(end),
        }
    }

    /// Ends what is in flight, and closes within a second.
    async fn cut(&mut self) {
        (self.in_flight, self.order, self.hold) = (CallsInFlight::new(), ReplyOrder::new(), None);
        (self.input, self.waiting_bytes) = (BytesMut::new(), 0);
        self.tracked.set_in_flight(0);
        self.say_held();
        // The peer may be gone, or take nothing.
        let _ = close_gently(&mut self.stream, || true).await;
    }

    async fn close(&mut self) -> io::Result<()> {
        // The peer has closed its side already where it ended; otherwise its last words must not reset our reply.
        if self.ended {
            // It may have closed its other side too.
            let _ = close(&mut self.stream).await;
            return Ok(());
        }
        let shutdown = &self.dispatch.live.shutdown;
        close_gently(&mut self.stream, || shutdown.refuses_calls()).await
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
        // A peer that goes on calling has been told often enough.
        if self.drained_since.is_some_and(|since| since.elapsed() >= REFUSALS) && self.pending() == 0 {
            self.closing = true;
            input.clear();
        }
        let result = loop {
            match self.turn(cx, policy, scratch, &mut input, &mut output) {
                Ok(true) if turns < TURNS && !slice::is_over() => moved = true,
                Ok(false) if !slice::is_over() => break Ok(()),
                Ok(has_moved) => {
                    moved |= has_moved;
                    slice::wake_later(cx);
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
            turns += 1;
        };
        let done = self.closing && self.pending() == 0 && output.is_empty() && !self.unflushed;
        scratch.return_input(input, &mut self.input);
        scratch.return_output(output, &mut self.output);
        self.say_held();
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
        scratch.note_sizes(input, output);
        let went_on = self.hold.is_some() && self.poll_hold(cx, policy, scratch, input, output);
        let started = self.start_requests(policy, scratch, None, input, output);
        scratch.note_sizes(input, output);
        let sent = self.send(cx, output)?;
        let received = self.receive(cx, &policy.config, input, output)?;
        Ok(answered || went_on || started || sent || received)
    }

    /// Requests that are not answered yet.
    fn pending(&self) -> usize {
        self.in_flight.len().max(self.order.len()) + usize::from(self.hold.is_some())
    }

    /// Says what the connection holds, if that is another step than before.
    #[inline]
    fn say_held(&mut self) {
        let buffers = self.input.capacity() + self.output.capacity();
        let held =
            (buffers + self.framing.held_bytes() + self.order.held() + self.waiting_bytes) / STEP * STEP;
        if held == self.held {
            return;
        }
        let before = std::mem::replace(&mut self.held, held);
        if held > before {
            self.dispatch.live.hold(&self.tracked, held - before);
        } else {
            self.dispatch.live.release(&self.tracked, before - held);
        }
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
        self.dispatch.live.release(&self.tracked, self.held);
        if self.has_unsent() && self.dispatch.live.shutdown.phase() == Phase::Stopped {
            self.dispatch.live.shutdown.count_cut();
        }
    }
}
