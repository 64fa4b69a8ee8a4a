//! The only way from any protocol to a handler: look-up, access, limits, deadline, panic guard, counts.
//!
//! A protocol hands over a name, still encoded arguments and its peer, and gets a running call or the reason why not.
//! A call that is ready at once costs no more than that; one that waits becomes an [`InFlightCall`]. Dispatch knows no
//! protocol and no socket.

#[cfg(feature = "resp")]
use crate::call::registry::CommandEntry;
use crate::{
    auth::UserPermit,
    call::{
        access::Caller,
        attempt::{Attempt, NotStarted, Rate, start_aside},
        in_flight::{InFlightCall, MethodPermit, Started, count_failure, note_end, panicked},
        large::{self, LARGE},
        registry::{Entry, Registry},
    },
    error::{CallError, echoed},
    live::{Live, stats::Tally, watch},
    method::{
        context::ContextSource,
        running::{BoxCall, Keep, Written},
    },
    peer::Peer,
};
use bytes::{Bytes, BytesMut};
#[cfg(feature = "resp")]
use codecs::text::TextArgs;
use codecs::{Args, Decoding, ReplyTo};
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Everything that is decided once, whatever the protocol.
pub(crate) struct Dispatch {
    pub(crate) registry: Registry,
    pub(crate) live: Arc<Live>,
}

/// Why a call was not started; `entry` is the method, where one was found.
pub(crate) struct Refused<'d> {
    pub(crate) error: CallError,
    pub(crate) entry: Option<&'d Arc<Entry>>,
    /// Not a refusal yet: it takes more than may be done in place, and is to be started again aside, by a caller with
    /// this [`rate`](Caller::with_rate).
    pub(crate) again: Option<Rate>,
}

impl<'d> Refused<'d> {
    pub(crate) fn new(error: CallError, entry: Option<&'d Arc<Entry>>) -> Self {
        Self { error, entry, again: None }
    }

    /// Of a message that is too large to be worked on in place; the error is that of one that has no place at all.
    pub(crate) fn for_place() -> Self {
        Self { again: Some(Rate::ToCount), ..Self::new(CallError::Overloaded, None) }
    }
}

impl Dispatch {
    /// Starts the method `name`, `timeout` being the caller's own limit and `now` the moment the request was read.
    ///
    /// `last` is the method of the caller's last call, if there was one: mostly the next one is of it too, and then
    /// needs neither a look-up nor another look at rules and rights, which are the caller's for as long as it is, and its
    /// thread is noted to be at that method.
    #[inline(always)]
    pub(crate) fn start<'d>(
        &'d self,
        last: Option<&'d Arc<Entry>>,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let known = last.filter(|last| last.full_name.as_bytes() == name);
        let look_up = || self.registry.look_up(name, caller);
        self.start_found(known, look_up, name, args, timeout, caller, now)
    }

    /// As [`start`](Self::start), for callers who may leave a service's package out or put one in front.
    #[inline]
    pub(crate) fn start_short<'d>(
        &'d self,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let look_up = || self.registry.look_up_short(name, caller);
        self.start_found(None, look_up, name, args, timeout, caller, now)
    }

    /// The method `name`, if `caller` may know of it, for a protocol that has to know it before the call.
    ///
    /// # Errors
    /// As [`start`](Self::start) would refuse it; the refusal is counted.
    pub(crate) fn find(&self, name: &[u8], caller: &Caller<'_>) -> Result<&Arc<Entry>, CallError> {
        self.admit(name, caller)
            .and_then(|()| self.registry.look_up(name, caller).map_err(|error| self.refused(error, None)))
            .map_err(|refused| refused.error)
    }

    /// Whether a call of the method `name`, or what it is short for, would be refused at this moment, for a protocol
    /// that has to work for its arguments; that refusal.
    pub(crate) fn check_short(&self, name: &[u8], caller: &Caller<'_>) -> Result<(), Refused<'_>> {
        self.admit(name, caller)?;
        let entry = self.registry.look_up_short(name, caller).map_err(|error| self.refused(error, None))?;
        if !self.live.has_room(caller.policy, &caller.peer.load) {
            return Err(self.refused(CallError::Overloaded, Some(entry)));
        }
        match entry.bounds.as_ref().and_then(|bounds| bounds.max_in_flight) {
            Some(limit) if entry.running.load(Ordering::Acquire) >= limit => {
                let error = CallError::Busy { name: entry.full_name.to_string(), limit };
                Err(self.refused(error, Some(entry)))
            }
            _ => Ok(()),
        }
    }

    /// Whether `caller` may call anything now; `name` is what it wants to call.
    #[inline(always)]
    fn admit(&self, name: &[u8], caller: &Caller<'_>) -> Result<(), Refused<'static>> {
        if self.live.shutdown.refuses_calls() {
            self.live.stats.drained_calls.add_one();
            return Err(Refused::new(CallError::Draining, None));
        }
        // Before anything else, and the same for every protocol: a peer that is not known learns nothing, not even
        // names.
        if caller.is_barred {
            let error = match caller.peer.needs_tls {
                true => CallError::NeedsTls(echoed(name)),
                false => CallError::Unauthenticated(echoed(name)),
            };
            return Err(self.refused(error, None));
        }
        Ok(())
    }

    /// Starts a call, of the method that is `known` or is found by `look_up`.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "what a call is, once")]
    fn start_found<'d>(
        &'d self,
        known: Option<&'d Arc<Entry>>,
        look_up: impl FnOnce() -> Result<&'d Arc<Entry>, CallError>,
        name: &[u8],
        args: Args<'_>,
        timeout: Option<Duration>,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        self.admit(name, caller)?;
        let Caller { peer, policy, .. } = caller;
        let entry = match known {
            // The thread is at it since the last call.
            Some(entry) => entry,
            None => {
                let found = look_up().map_err(|error| self.refused(of_broken(error, name, &args), None))?;
                // Until the one who polls the call says otherwise.
                watch::enter(found.number);
                found
            }
        };
        // Limits come before the arguments are looked at: a call over one of them costs a look at a number and an error
        // reply.
        if !self.live.has_room(policy, &peer.load) {
            return Err(self.refused(CallError::Overloaded, Some(entry)));
        }
        let limit = match (timeout, entry.options.timeout, policy.config.call_timeout) {
            (None, None, None) => None,
            (caller, method, server) => [caller, method, server].into_iter().flatten().min(),
        };
        let deadline = limit.and_then(|limit| now.checked_add(limit));
        let source = ContextSource::new(&entry.full_name, peer, deadline);
        let decoding = Decoding::new(caller.limits);
        let (call, permit, user_permit) = if entry.bounds.is_some() {
            self.invoke_bounded(entry, args, &decoding, source, caller, now)?
        } else {
            // The last of the limits: what it takes of a user's rate is not given back.
            let user_permit = caller.admit(now).map_err(|error| self.refused(error, Some(entry)))?;
            (self.invoke(entry, args, &decoding, source, caller)?, None, user_permit)
        };
        Ok(Started { call, entry, limit, decoded_bytes: decoding.taken(), permit, user_permit })
    }

    /// As [`invoke`](Self::invoke), of a method that has limits of its own.
    #[inline(never)]
    fn invoke_bounded<'d>(
        &self,
        entry: &'d Arc<Entry>,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<(BoxCall, Option<MethodPermit>, Option<UserPermit>), Refused<'d>> {
        let (mut permit, mut turn) = (None, None);
        if let Some(bounds) = &entry.bounds {
            let permits = bounds.admit(entry, &caller.policy.config);
            (permit, turn) = permits.map_err(|error| self.refused(error, Some(entry)))?;
        }
        let mut user_permit = caller.admit(now).map_err(|error| self.refused(error, Some(entry)))?;
        let mut source = source;
        if let Some(blocking) = &mut turn {
            // A function that blocks outlives its call.
            blocking.keep((permit.take(), user_permit.take()));
            source.set_turn(&mut turn);
        }
        Ok((self.invoke(entry, args, decoding, source, caller)?, permit, user_permit))
    }

    /// Decodes the arguments and makes the call, which has not been polled then.
    #[inline(always)]
    fn invoke<'d>(
        &self,
        entry: &'d Arc<Entry>,
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: ContextSource<'_>,
        caller: &Caller<'_>,
    ) -> Result<BoxCall, Refused<'d>> {
        let invoke = || entry.options.invoke.invoke(args, decoding, source);
        catch_unwind(AssertUnwindSafe(invoke)).unwrap_or_else(|_| Err(panicked(&self.live.stats))).map_err(
            |error| Refused {
                error: error.shortened(),
                entry: Some(entry),
                again: (decoding.is_exceeded() && caller.may_decode_more()).then_some(Rate::Counted),
            },
        )
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
        if started.entry.may_reply_large() {
            return self.step_large(started, cx, to, out);
        }
        self.step_here::<false>(started, cx, to, out)
    }

    /// The same, of a method whose replies have been large: what is ready is written aside.
    #[cold]
    #[inline(never)]
    fn step_large(
        &self,
        started: &mut Started<'_>,
        cx: &mut Context<'_>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Poll<Written> {
        let before = out.len();
        let written = self.step_here::<true>(started, cx, to, out);
        if written.is_ready() {
            started.entry.note_reply(out.len() - before >= LARGE);
        }
        written
    }

    #[inline(always)]
    fn step_here<const MAY_BE_LARGE: bool>(
        &self,
        started: &mut Started<'_>,
        cx: &mut Context<'_>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Poll<Written> {
        let before = out.len();
        let (call, reply_type) = (&mut started.call, started.entry.options.types.reply.as_ref());
        let step = AssertUnwindSafe(|| match call.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                let mut write = || call.as_mut().write(Keep::No, reply_type, to, out);
                Poll::Ready(if MAY_BE_LARGE { large::aside(write) } else { write() })
            }
        });
        let written = catch_unwind(step).unwrap_or_else(|_| {
            out.truncate(before);
            Poll::Ready(Written::Last(Err(Box::new(CallError::Panicked))))
        });
        if let Poll::Ready(written) = &written {
            count_failure(&self.live.stats, written);
        }
        written
    }

    /// One call with JSON in and JSON out, for callers without a codec; a stream's items come one per line.
    ///
    /// Cancelled by dropping the future.
    pub(crate) async fn call_json(
        &self,
        peer: &Arc<Peer>,
        name: &str,
        args: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Bytes, CallError> {
        let start = |attempt| {
            self.start_in_flight(peer, name.as_bytes(), Args::JsonValue(args), args.len(), timeout, attempt)
        };
        let mut flight = start_aside(0, start).await?;
        let mut out = BytesMut::new();
        loop {
            poll_fn(|cx| flight.poll(cx)).await;
            match flight.write(&mut ReplyTo::JsonValue, &mut out) {
                Written::Item => out.extend_from_slice(b"\n"),
                Written::Later => {}
                Written::End => return Ok(out.freeze()),
                Written::Last(result) => return result.map(|()| out.freeze()).map_err(|error| *error),
            }
        }
    }

    /// Starts a command of the program, if `caller` may run it: otherwise as [`start`](Self::start).
    #[cfg(feature = "resp")]
    pub(crate) fn start_command<'d>(
        &'d self,
        command: &'d CommandEntry,
        args: &TextArgs<'_>,
        caller: &Caller<'_>,
        now: Instant,
    ) -> Result<Started<'d>, Refused<'d>> {
        let entry = &command.entry;
        if !caller.is_barred {
            let allowed = caller.may_call(entry.service_number, &entry.full_name);
            allowed.map_err(|error| self.refused(error, None))?;
        }
        watch::enter(entry.number);
        let args = Args::Text(args, entry.options.types.args.as_ref());
        self.start(Some(entry), entry.full_name.as_bytes(), args, None, caller, now)
    }

    /// Starts a call that will be waited for, its arguments in `bytes_in` bytes; a refusal is counted too.
    pub(crate) fn start_in_flight(
        &self,
        peer: &Arc<Peer>,
        name: &[u8],
        args: Args<'_>,
        bytes_in: usize,
        timeout: Option<Duration>,
        attempt: Attempt,
    ) -> Result<InFlightCall, NotStarted> {
        let start = |caller: &Caller<'_>| self.start(None, name, args, timeout, caller, attempt.read);
        self.put_in_flight(peer, bytes_in, attempt, start)
    }

    /// As [`start_in_flight`](Self::start_in_flight), of whatever `start` starts.
    pub(crate) fn put_in_flight<'d>(
        &self,
        peer: &Arc<Peer>,
        bytes_in: usize,
        attempt: Attempt,
        start: impl FnOnce(&Caller<'_>) -> Result<Started<'d>, Refused<'d>>,
    ) -> Result<InFlightCall, NotStarted> {
        let Attempt { read: now, rate } = attempt;
        let policy = self.live.policy();
        let mut tally = Tally::default();
        tally.start(bytes_in);
        let caller = Caller::new(peer, &policy).with_rate(rate);
        let started = watch::within(|| start(&caller));
        match started {
            Ok(started) => {
                tally.merge_into(&started.entry.stats);
                let started = started.enter_layers(peer, bytes_in, now);
                Ok(InFlightCall::new(&self.live, started, peer, bytes_in, 0, now))
            }
            Err(Refused { again: Some(_), .. }) => Err(NotStarted::NeedsPlace),
            Err(Refused { error, entry, .. }) => {
                if let Some(entry) = entry {
                    tally.finish(Duration::ZERO, true);
                    let code = Some(error.code());
                    self.live.peers.add(&peer.addr, &entry.full_name, &tally, now, code);
                    tally.merge_into(&entry.stats);
                    note_end(&self.live, entry, peer, (bytes_in, 0), Some(&error), Duration::ZERO);
                }
                Err(NotStarted::Refused(error))
            }
        }
    }

    #[cold]
    fn refused<'d>(&self, error: CallError, entry: Option<&'d Arc<Entry>>) -> Refused<'d> {
        match &error {
            CallError::Busy { .. } | CallError::OverUserLimit { .. } => self.live.stats.busy_calls.add_one(),
            CallError::Overloaded => self.live.stats.shed_calls.add_one(),
            CallError::Unauthenticated(_) | CallError::NeedsTls(_) | CallError::Denied { .. } => {
                self.live.stats.denied_calls.add_one()
            }
            _ => self.live.stats.unknown_calls.add_one(),
        }
        Refused::new(error, entry)
    }
}

/// What is said of a method that was not found: of a request that broke before its method's name was read, how.
#[cold]
fn of_broken(error: CallError, name: &[u8], args: &Args<'_>) -> CallError {
    match args {
        Args::Broken(why) if name.is_empty() && why.is_fatal() => {
            CallError::BadArguments((*why).clone()).shortened()
        }
        _ => error,
    }
}
