//! Where a framing starts the call of a request.

#[cfg(feature = "resp")]
use crate::call::registry::CommandEntry;
use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::Started,
        registry::Entry,
    },
    live::watch,
};
use codecs::{Args, text::TextArgs};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// The way to a method, for one request: dispatch with all its rules, in the name of the session's peer.
pub struct Calls<'d, 'c> {
    /// The method of the request before.
    pub(super) last: Option<&'d Arc<Entry>>,
    pub(super) dispatch: &'d Dispatch,
    pub(super) caller: &'c Caller<'c>,
    /// When the request was read.
    pub(super) now: Instant,
}

impl<'d> Calls<'d, '_> {
    /// Starts `name`, such as `Arith.Multiply`; `timeout` is the caller's own limit, if it has one.
    #[inline(always)]
    pub fn start(self, name: &[u8], args: Args<'_>, timeout: Option<Duration>) -> Start<'d> {
        Start(self.dispatch.start(self.last, name, args, timeout, self.caller, self.now))
    }

    /// As [`start`](Self::start), with the tokens of a text protocol for arguments: the method's own type says what
    /// each of them is.
    pub fn start_text(self, name: &[u8], args: &TextArgs<'_>, timeout: Option<Duration>) -> Start<'d> {
        let found = match self.last {
            Some(last) if last.full_name.as_bytes() == name => Some(last),
            // Why there is none is found again, in its order with other reasons.
            _ => {
                let found = self.dispatch.registry.look_up(name, self.caller).ok();
                found.inspect(|entry| watch::enter(entry.number))
            }
        };
        let args = Args::Text(args, found.and_then(|entry| entry.options.types.args.as_ref()));
        Start(self.dispatch.start(found, name, args, timeout, self.caller, self.now))
    }

    /// The name by which a method is called where its exact one is not known to the peer: `name` if it is, else what
    /// `meant` says, if that says something.
    #[cfg(feature = "resp")]
    #[inline]
    pub(crate) fn exact<'n>(&self, name: &'n [u8], meant: impl FnOnce() -> Option<&'n str>) -> &'n [u8] {
        let is_last = self.last.is_some_and(|last| last.full_name.as_bytes() == name);
        if is_last || self.dispatch.registry.has(name) {
            return name;
        }
        meant().map_or(name, str::as_bytes)
    }

    /// The command of the program of that name, in any case.
    #[cfg(feature = "resp")]
    pub(crate) fn command(&self, name: &[u8]) -> Option<&'d CommandEntry> {
        self.dispatch.registry.command(name)
    }

    /// Starts a command of the program.
    #[cfg(feature = "resp")]
    pub(crate) fn start_command(self, command: &'d CommandEntry, args: &TextArgs<'_>) -> Start<'d> {
        Start(self.dispatch.start_command(command, args, self.caller, self.now))
    }

    /// Whether [`start_short`](Self::start_short) would refuse `name` whatever its arguments are.
    pub(crate) fn check_short(&self, name: &[u8]) -> Result<(), Refused<'d>> {
        self.dispatch.check_short(name, self.caller)
    }

    /// As [`start`](Self::start), for callers who may leave a service's package out or put one in front.
    #[inline]
    pub(crate) fn start_short(self, name: &[u8], args: Args<'_>, timeout: Option<Duration>) -> Start<'d> {
        Start(self.dispatch.start_short(name, args, timeout, self.caller, self.now))
    }
}

impl fmt::Debug for Calls<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// What came of it: a running call, or why there is none. For the session, which answers either.
pub struct Start<'d>(pub(crate) Result<Started<'d>, Refused<'d>>);

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(_) => f.write_str("Start(running)"),
            Err(refused) => write!(f, "Start({:?})", refused.error),
        }
    }
}
