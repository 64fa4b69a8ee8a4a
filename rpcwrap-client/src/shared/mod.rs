//! What the callers and the connection's task have in common: one lock around the output and the calls in flight.
//!
//! A caller writes its request behind the others' and enters its call under one short lock; the connection takes the
//! whole output at once, and hands a batch of replies over at once. No lock is held while waiting, reading, writing or
//! waking. Knows nothing of sockets.

mod state;
mod wire;

pub(crate) use state::CloseReason;
pub(crate) use wire::{CodecHalves, WireProtocol};

use crate::{
    config::Config,
    error::Error,
    in_flight::{Delivered, Waiter},
    items::Item,
};
use bytes::BytesMut;
use codecs::{AnyCodec, Decoding, EncodeError, LogText, Reply, ReplyReader, RequestWriter, ValueError};
use serde::de::DeserializeOwned;
use state::{Phase, State};
use std::{
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};
use tokio::sync::{Notify, Semaphore};

/// The most an output buffer keeps while idle, in bytes.
const IDLE_BYTES: usize = 1 << 10;

/// One connection, as its callers see it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    wire: WireProtocol,
    /// Used by the connection, and by callers only with a codec of the program's own.
    reader: Mutex<ReplyReader>,
    state: Mutex<State>,
    /// Permits that no call holds, and the queue of callers who wait for one.
    permits: Semaphore,
    ended: Notify,
}

/// What the connection does next about its output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutputAction {
    /// Send what was taken.
    Taken,
    /// Let callers who are about to write go first.
    Yield,
    /// Sleep; a caller will wake it.
    Empty,
    /// Close: drained.
    Finished,
}

/// A caller in the queue for a permit.
struct QueuedCaller<'s>(&'s Shared);

impl Drop for QueuedCaller<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

impl Shared {
    /// A connection on which what `halves` remember has been said.
    pub(crate) fn new(wire: WireProtocol, halves: CodecHalves, config: Config) -> Self {
        let config = wire.config(config);
        Self {
            reader: Mutex::new(halves.reader),
            state: Mutex::new(State::new(halves.writer, halves.next_seq)),
            permits: Semaphore::new(config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            ended: Notify::new(),
            wire,
            config,
        }
    }

    /// A caller's panic leaves nothing half done behind: see [`Rollback`].
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reader(&self) -> MutexGuard<'_, ReplyReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callers' side.
impl Shared {
    /// Waits for a permit, writes a request and enters its call; returns its Seq.
    ///
    /// `write` appends the request under its Seq, `waiter` makes what waits for the reply. Dropping the future before
    /// it is done leaves no trace.
    #[inline]
    pub(crate) async fn start(
        &self,
        write: impl Fn(&mut RequestWriter, u64, &mut BytesMut) -> Result<(), EncodeError>,
        waiter: impl Fn(&Waker) -> Waiter,
    ) -> Result<u64, Error> {
        let start = |state: &mut State, waker: &Waker| {
            let seq = state.write(&write, self.config.max_message_bytes)?;
            state.in_flight.insert(waiter(waker));
            Ok(seq)
        };
        let at_once = poll_fn(|cx| {
            let mut state = self.state();
            // Given back if the arguments fail or panic.
            let permit = match state.spare {
                0 => match self.permits.try_acquire() {
                    Ok(permit) => Some(permit),
                    Err(_) => {
                        state.waiting += 1;
                        return Poll::Ready(None);
                    }
                },
                _ => None,
            };
            let started = state.check_open().and_then(|()| start(&mut state, cx.waker()));
            match permit {
                _ if started.is_err() => {}
                Some(permit) => permit.forget(),
                None => state.spare -= 1,
            }
            self.unlock_and_wake(state, false);
            Poll::Ready(Some(started))
        });
        if let Some(started) = at_once.await {
            return started;
        }
        let queued = QueuedCaller(self);
        let permit = self.permits.acquire().await.map_err(|_| Error::Shutdown)?;
        drop(queued);
        let started = poll_fn(|cx| {
            let mut state = self.state();
            let started = state.check_open().and_then(|()| start(&mut state, cx.waker()));
            self.unlock_and_wake(state, false);
            Poll::Ready(started)
        })
        .await?;
        permit.forget();
        Ok(started)
    }

    /// The reply to a call, or why there will be none; either way its slot is free.
    #[inline]
    pub(crate) fn poll_reply(&self, seq: u64, waker: &Waker) -> Poll<Result<Reply, Error>> {
        let mut state = self.state();
        let polled = state.in_flight.poll_reply(seq, waker);
        self.end_call(state, seq, polled)
    }

    /// The next item of a stream, or why there will be none; its end frees its slot.
    pub(crate) fn poll_item(&self, seq: u64, waker: &Waker) -> Poll<Result<Item, Error>> {
        let mut state = self.state();
        match state.in_flight.poll_item(seq, waker) {
            Poll::Ready(item @ Item::Value(_)) => Poll::Ready(Ok(item)),
            polled => self.end_call(state, seq, polled),
        }
    }

    /// Gives the permit of a call back whose last word has come, or will not come any more.
    #[inline]
    fn end_call<T>(
        &self,
        mut state: MutexGuard<'_, State>,
        seq: u64,
        polled: Poll<T>,
    ) -> Poll<Result<T, Error>> {
        let last = match polled {
            Poll::Ready(last) => Ok(last),
            Poll::Pending => {
                let Some(error) = state.failure(seq) else { return Poll::Pending };
                state.in_flight.remove(seq);
                Err(error)
            }
        };
        state.spare += 1;
        self.unlock_and_wake(state, false);
        Poll::Ready(last)
    }

    /// Gives a call up: frees its slot, and tells a server that would understand.
    pub(crate) fn abandon(&self, seq: u64) {
        let mut state = self.state();
        let unsent = state.is_unsent(seq);
        let unanswered = state.in_flight.remove(seq);
        if unanswered && !matches!(state.phase, Phase::Closed(_)) && self.config.extensions {
            state.cancel(seq);
        }
        if unsent {
            state.abandoned += 1;
        } else {
            state.spare += 1;
        }
        let drained = matches!(state.phase, Phase::Draining) && state.in_flight.unanswered() == 0;
        self.unlock_and_wake(state, drained);
    }

    /// Unlocks; wakes a caller that waits for a permit that is free again, and the connection if there is output for
    /// it.
    #[inline]
    fn unlock_and_wake(&self, mut state: MutexGuard<'_, State>, finished: bool) {
        let permits = state.permits_to_give_back();
        let connection = if finished || !state.output.is_empty() { state.connection.take() } else { None };
        drop(state);
        if permits > 0 {
            self.permits.add_permits(permits);
        }
        if let Some(connection) = connection {
            connection.wake();
        }
    }

    /// Decodes a reply's value straight into `R`.
    #[inline]
    pub(crate) fn body<R: DeserializeOwned>(&self, reply: &Reply) -> Result<R, Error> {
        let limits = self.config.message_limits();
        let (body, decoding) = (reply.body(), &Decoding::new(&limits));
        let decoded: Result<R, ValueError> = match &self.wire {
            WireProtocol::Codec(AnyCodec::Json) => codecs::json::value_from_slice_within(body, decoding),
            #[cfg(feature = "bson")]
            WireProtocol::Codec(AnyCodec::Bson(_)) => codecs::bson::value_from_slice_within(body, decoding),
            #[cfg(feature = "gob")]
            WireProtocol::Codec(AnyCodec::Gob) => codecs::gob::value_from_reply_within(reply, decoding),
            #[cfg(feature = "msgpack")]
            WireProtocol::Codec(AnyCodec::Msgpack | AnyCodec::MsgpackTimes(_)) => {
                codecs::msgpack::value_from_slice_within(body, decoding)
            }
            // What a program's own codec needs for a value is in its decoder.
            _ => self.reader().body(reply),
        };
        decoded.map_err(Error::Decode)
    }

    /// Takes no more calls and closes when the last one is answered.
    pub(crate) fn start_draining(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Draining;
        }
        self.permits.close();
        self.unlock_and_wake(state, true);
    }

    /// Waits until the connection is closed.
    pub(crate) async fn closed(&self) {
        let ended = self.ended.notified();
        if !matches!(self.state().phase, Phase::Closed(_)) {
            ended.await;
        }
    }

    /// Whether new calls are refused.
    pub(crate) fn is_closed(&self) -> bool {
        !matches!(self.state().phase, Phase::Open)
    }

    /// Calls and streams in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.state().in_flight.len()
    }
}

/// The connection's side.
impl Shared {
    /// Takes what callers have written into `writing`, which is empty.
    ///
    /// A caller who has company is likely to be followed by others, woken by the same batch of replies: with
    /// `may_yield` they are let through first, so that all of it goes out in one write.
    pub(crate) fn take_output(&self, writing: &mut BytesMut, may_yield: bool, waker: &Waker) -> OutputAction {
        let mut state = self.state();
        if !state.output.is_empty() {
            if may_yield && state.in_flight.len() > 1 {
                return OutputAction::Yield;
            }
            std::mem::swap(&mut state.output, writing);
            state.first_unsent = state.in_flight.next_seq();
            state.spare += std::mem::take(&mut state.abandoned);
            self.unlock_and_wake(state, false);
            return OutputAction::Taken;
        }
        if matches!(state.phase, Phase::Draining) && state.in_flight.unanswered() == 0 {
            return OutputAction::Finished;
        }
        match &mut state.connection {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        if state.in_flight.unanswered() == 0 {
            free_idle(&mut state.output);
            free_idle(writing);
        }
        OutputAction::Empty
    }

    /// Hands a batch of replies to their callers; `wakers` is where those to be woken are gathered. Returns whether
    /// more replies are expected.
    pub(crate) fn deliver(&self, replies: &mut Vec<Reply>, wakers: &mut Vec<Waker>) -> bool {
        let mut state = self.state();
        for reply in replies.drain(..) {
            let seq = reply.seq();
            match state.in_flight.deliver(reply) {
                Delivered::Wake(waker) => wakers.push(waker),
                Delivered::Kept => {}
                Delivered::Dropped => tracing::trace!(seq, "reply to no call"),
                Delivered::Overrun(waker) => {
                    tracing::debug!(seq, "stream reader fell behind");
                    wakers.extend(waker);
                    if self.config.extensions {
                        state.cancel(seq);
                    }
                }
            }
        }
        let more = state.in_flight.unanswered() > 0;
        drop(state);
        wakers.drain(..).for_each(Waker::wake);
        more
    }

    /// Ends everything: calls in flight fail, those that wait for a permit too. The first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        let mut state = self.state();
        if !matches!(state.phase, Phase::Closed(_)) {
            match &reason {
                CloseReason::Here => {}
                reason => {
                    let reason = LogText::new(format!("{reason:?}"));
                    tracing::debug!(%reason, in_flight = state.in_flight.len(), "connection closed");
                }
            }
            state.phase = Phase::Closed(reason);
        }
        state.output = BytesMut::new();
        let wakers = state.in_flight.wakers();
        drop(state);
        self.permits.close();
        wakers.into_iter().for_each(Waker::wake);
        self.ended.notify_waiters();
    }
}

/// Gives an empty buffer's memory back, if it is worth it.
fn free_idle(buf: &mut BytesMut) {
    if buf.capacity() > IDLE_BYTES {
        *buf = BytesMut::new();
    }
}
