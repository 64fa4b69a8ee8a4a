//! The only way from any protocol to a handler: look-up, access, limits, deadline, panic guard, counts.
//!
//! A protocol hands over a name, still encoded arguments and its peer, and gets a running call or the reason why not.
//! A call that is ready at once costs no more than that; one that waits becomes a [`Flight`], which also keeps its
//! deadline. Dispatch knows no protocol and no socket.

use crate::{
    auth::Credentials,
    call::registry::{Entry, Registry},
    error::CallError,
    live::config::Config,
    live::shutdown::{Phase, Shutdown},
    live::stats::{ServerStats, Tally},
    live::tracker::Tracker,
    method::running::{BoxCall, ContextSource, Peer, Written},
};
use bytes::{Bytes, BytesMut};
use codecs::{Args, ReplyTo};
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

/// What the program's own calls have for a protocol. It need not log in to itself.
pub(crate) const IN_PROCESS: &str = "in_process";

/// Everything that is decided and counted once, whatever the protocol.
pub(crate) struct Dispatch {
    pub(crate) registry: Registry,
    pub(crate) config: Config,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) stats: ServerStats,
    pub(crate) tracker: Arc<Tracker>,
    /// Whether only peers with an identity may call.
    pub(crate) login_required: bool,
    pub(crate) shutdown: Shutdown,
    /// Calls that wait for their handlers.
    pub(crate) waiting: Waiting,
}

/// How many calls wait for their handlers, in a cache line of its own: every call looks at it, only those that wait
/// write to it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Waiting(AtomicUsize);

/// A call under way that has not been polled yet.
pub(crate) struct Started<'d> {
    pub(crate) call: BoxCall,
    pub(crate) entry: &'d Arc<Entry>,
    pub(crate) limit: Option<Duration>,
    pub(crate) permit: Option<MethodPermit>,
}

/// Why a call was not started; `entry` is the method, where one was found.
pub(crate) struct Refused<'d> {
    pub(crate) error: CallError,
    pub(crate) entry: Option<&'d Arc<Entry>>,
}

impl Dispatch {
    /// Starts the method `name`, `timeout` being the caller's own limit and `now` the moment the request was read.
    #[inline]
    pub(crate) fn start<'d>(
        &'d self,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        peer: &Arc<Peer>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        self.start_after(None, name, args, timeout, peer, now)
    }

    /// As [`start`](Self::start), for a connection whose last call was of the method `last`: mostly the next one is too,
    /// and then needs no look-up.
    #[inline]
    pub(crate) fn start_after<'d>(
        &'d self,
        last: Option<&'d Arc<Entry>>,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        peer: &Arc<Peer>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let look_up = || match last {
            Some(last) if last.access.is_none() && last.full_name.as_bytes() == name => Ok(last),
            _ => self.registry.look_up(name, peer),
        };
        self.start_found(look_up, name, args, timeout, peer, now)
    }

    /// As [`start`](Self::start), for callers who may leave a service's package out or put one in front.
    #[inline]
    pub(crate) fn start_short<'d>(
        &'d self,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        peer: &Arc<Peer>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        self.start_found(|| self.registry.look_up_short(name, peer), name, args, timeout, peer, now)
    }

    #[inline(always)]
    fn start_found<'d>(
        &'d self,
        look_up: impl FnOnce() -> Result<&'d Arc<Entry>, CallError>,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        peer: &Arc<Peer>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        if self.shutdown.refuses_calls() {
            self.stats.drained_calls.add_one();
            return Err(Refused { error: CallError::Draining, entry: None });
        }
        // Before anything else, and the same for every protocol: who is not known learns nothing, not even names.
        if self.login_required && peer.user.is_none() && peer.protocol != IN_PROCESS {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(self.refused(CallError::Unauthenticated(name), None));
        }
        let entry = look_up().map_err(|error| self.refused(error, None))?;
        // Before the handler sees it: what is over the limit costs a look at a number and an error reply. Behind the
        // look-up: taking a call back has to stay possible, and who calls nothing learns so.
        if self.waiting.0.load(Ordering::Relaxed) >= self.config.max_calls {
            return Err(self.refused(CallError::Overloaded, Some(entry)));
        }
        let permit = match entry.max_in_flight {
            None => None,
            Some(limit) => {
                Some(MethodPermit::take(entry, limit).map_err(|error| self.refused(error, Some(entry)))?)
            }
        };
        let limit = [timeout, entry.timeout, self.config.call_timeout].into_iter().flatten().min();
        let source =
            ContextSource::new(&entry.full_name, peer, limit.and_then(|limit| now.checked_add(limit)));
        let call = catch_unwind(AssertUnwindSafe(|| entry.invoke.invoke(args, source)))
            .unwrap_or_else(|_| Err(self.panicked()))
            .map_err(|error| Refused { error, entry: Some(entry) })?;
        Ok(Started { call, entry, limit, permit })
    }

    /// Polls a call once and lets it write what is ready.
    #[inline(always)]
    pub(crate) fn step(
        &self,
        started: &mut Started<'_>,
        cx: &mut Context<'_>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Poll<Written> {
        let before = out.len();
        let (call, reply_type) = (&mut started.call, started.entry.types.reply());
        let step = AssertUnwindSafe(|| match call.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(call.as_mut().write(reply_type, to, out)),
        });
        let written = catch_unwind(step).unwrap_or_else(|_| {
            out.truncate(before);
            Poll::Ready(Written::Last(Err(Box::new(CallError::Panicked))))
        });
        if let Poll::Ready(written) = &written {
            self.count_panic(written);
        }
        written
    }

    /// One call with JSON in and JSON out, for callers without a codec; a stream's items come one per line.
    ///
    /// Cancelled by dropping the future.
    pub(crate) async fn call_json(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        name: &str,
        args: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Bytes, CallError> {
        let started = self.start(name.as_bytes(), Args::JsonValue(args), timeout, peer, Instant::now());
        let mut flight = self.take_off(started, args.len())?;
        let mut out = BytesMut::new();
        loop {
            poll_fn(|cx| flight.poll(cx)).await;
            match flight.write(&mut ReplyTo::JsonValue, &mut out) {
                Written::Item => out.extend_from_slice(b"\n"),
                Written::End => return Ok(out.freeze()),
                Written::Last(result) => return result.map(|()| out.freeze()).map_err(|error| *error),
            }
        }
    }

    /// A started call that will be waited for, or the counted refusal.
    pub(crate) fn take_off(
        self: &Arc<Self>,
        started: Result<Started<'_>, Refused<'_>>,
        bytes_in: usize,
    ) -> Result<Flight, CallError> {
        let mut tally = Tally::default();
        tally.start(bytes_in);
        match started {
            Ok(started) => {
                tally.merge_into(&started.entry.stats);
                Ok(Flight::new(self, started, Instant::now()))
            }
            Err(Refused { error, entry }) => {
                if let Some(entry) = entry {
                    tally.finish(Duration::ZERO, true);
                    tally.merge_into(&entry.stats);
                }
                Err(error)
            }
        }
    }

    #[cold]
    fn refused<'d>(&self, error: CallError, entry: Option<&'d Arc<Entry>>) -> Refused<'d> {
        match &error {
            CallError::Busy { .. } => self.stats.busy_calls.add_one(),
            CallError::Overloaded => self.stats.shed_calls.add_one(),
            CallError::Unauthenticated(_) | CallError::Denied { .. } => self.stats.denied_calls.add_one(),
            _ => self.stats.unknown_calls.add_one(),
        }
        Refused { error, entry }
    }

    /// Counts a panic while writing, or one in a task of its own, which comes as that task's result.
    #[inline]
    fn count_panic(&self, written: &Written) {
        if matches!(written, Written::Last(Err(error)) if matches!(**error, CallError::Panicked)) {
            self.stats.panics.add_one();
        }
    }

    #[cold]
    fn panicked(&self) -> CallError {
        self.stats.panics.add_one();
        CallError::Panicked
    }
}

/// One of a method's own `max_in_flight`.
pub(crate) struct MethodPermit(Arc<Entry>);

impl MethodPermit {
    fn take(entry: &Arc<Entry>, limit: usize) -> Result<Self, CallError> {
        let permit = Self(entry.clone());
        if entry.running.fetch_add(1, Ordering::AcqRel) >= limit {
            return Err(CallError::Busy { name: entry.full_name.clone(), limit });
        }
        Ok(permit)
    }
}

impl Drop for MethodPermit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A call that is waited for: its handler, its deadline and its counts. Dropping it drops the handler.
pub(crate) struct Flight {
    dispatch: Arc<Dispatch>,
    entry: Arc<Entry>,
    call: Option<BoxCall>,
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    failed: Option<CallError>,
    started: Instant,
    landed: bool,
    _permit: Option<MethodPermit>,
}

impl Flight {
    /// Takes over a call whose start has been counted.
    pub(crate) fn new(dispatch: &Arc<Dispatch>, call: Started<'_>, started: Instant) -> Self {
        // A caller may name a limit beyond the clock's end, which is none.
        let deadline = call.limit.and_then(|limit| started.checked_add(limit));
        let timer = deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.into())));
        dispatch.waiting.0.fetch_add(1, Ordering::Relaxed);
        Self {
            dispatch: dispatch.clone(),
            entry: call.entry.clone(),
            call: Some(call.call),
            limit: call.limit,
            timer,
            failed: None,
            started,
            landed: false,
            _permit: call.permit,
        }
    }

    /// Waits until there is something to write.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(call) = &mut self.call else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => return Poll::Ready(()),
            Ok(Poll::Pending) => {}
            Err(_) => {
                let error = self.dispatch.panicked();
                return self.fail(error);
            }
        }
        let (Some(timer), Some(limit)) = (&mut self.timer, self.limit) else { return Poll::Pending };
        match timer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.dispatch.stats.deadlines.add_one();
                self.fail(CallError::Deadline(limit))
            }
        }
    }

    /// Ends the call; what is written next is that it was cancelled. The caller wakes whoever polls it.
    pub(crate) fn cancel(&mut self) {
        if self.call.is_some() {
            self.dispatch.stats.canceled_calls.add_one();
            let _ = self.fail(CallError::Canceled);
        }
    }

    fn fail(&mut self, error: CallError) -> Poll<()> {
        self.call = None;
        self.failed = Some(error);
        Poll::Ready(())
    }

    /// Writes what is ready, and counts the call when that was the last.
    pub(crate) fn write(&mut self, to: &mut ReplyTo<'_>, out: &mut BytesMut) -> Written {
        let before = out.len();
        let written = match (self.failed.take(), &mut self.call) {
            (Some(error), _) => Written::Last(Err(Box::new(error))),
            (None, Some(call)) => {
                let reply_type = self.entry.types.reply();
                let write = AssertUnwindSafe(|| call.as_mut().write(reply_type, to, out));
                let written = catch_unwind(write).unwrap_or_else(|_| {
                    out.truncate(before);
                    Written::Last(Err(Box::new(CallError::Panicked)))
                });
                self.dispatch.count_panic(&written);
                written
            }
            (None, None) => Written::Last(Err(Box::new(CallError::Canceled))),
        };
        let mut tally = Tally::default();
        tally.write(out.len() - before);
        if !matches!(written, Written::Item) {
            self.landed = true;
            tally.finish(self.started.elapsed(), matches!(written, Written::Last(Err(_))));
        }
        tally.merge_into(&self.entry.stats);
        written
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.dispatch.waiting.0.fetch_sub(1, Ordering::Relaxed);
        if !self.landed {
            self.dispatch.stats.canceled_calls.add_one();
            if self.dispatch.shutdown.phase() == Phase::Stopped {
                self.dispatch.shutdown.count_cut();
            }
            let mut tally = Tally::default();
            tally.finish(self.started.elapsed(), true);
            tally.merge_into(&self.entry.stats);
        }
    }
}
