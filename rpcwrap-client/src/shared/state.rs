//! What is behind the lock: the output, the calls in flight, the permits, and whether the connection is open.
//!
//! Pure: every change is one function without waiting.

use crate::{error::Error, in_flight::InFlight};
use bytes::BytesMut;
use codecs::{CallOptions, DecodeError, EncodeError, RequestWriter};
use serde::Serialize;
use std::{io, sync::Arc, task::Waker};

/// The method that takes a call back, as in the fork keegancsmith/rpc.
const CANCEL: &str = "_goRPC_.Cancel";
/// Permits kept beside the semaphore before they are given back to it.
const MAX_SPARE: usize = 64;

#[derive(Debug)]
pub(super) struct State {
    writer: RequestWriter,
    /// Written by callers, not yet taken by the connection.
    pub(super) output: BytesMut,
    /// The first Seq in `output`: this one and later ones have not been sent.
    pub(super) first_unsent: u64,
    pub(super) in_flight: InFlight,
    pub(super) phase: Phase,
    /// The connection, when it sleeps until there is output.
    pub(super) connection: Option<Waker>,
    /// Permits on their way from one caller to the next without touching the semaphore; 0 while callers wait.
    pub(super) spare: usize,
    pub(super) waiting: usize,
    /// Permits of calls given up before their bytes were taken: what is in `output` stays bounded by `max_in_flight`.
    pub(super) abandoned: usize,
}

#[derive(Debug)]
pub(super) enum Phase {
    Open,
    /// No new calls; closes when the last one is answered.
    Draining,
    Closed(CloseReason),
}

/// Why a connection is closed.
#[derive(Debug, Clone)]
pub(crate) enum CloseReason {
    /// By us, in good order or because its last handle is gone.
    Here,
    /// By the server or the network.
    Lost(Arc<io::Error>),
    /// The server's bytes were no replies.
    Protocol(DecodeError),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Cancel {
    seq: u64,
}

/// Takes back a half-written request, also when the caller's `Serialize` panics.
struct Rollback<'o> {
    output: &'o mut BytesMut,
    keep: usize,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        self.output.truncate(self.keep);
    }
}

impl State {
    /// The first request goes out under `next_seq`.
    pub(super) fn new(writer: RequestWriter, next_seq: u64) -> Self {
        Self {
            writer,
            output: BytesMut::new(),
            first_unsent: next_seq,
            in_flight: InFlight::from_seq(next_seq),
            phase: Phase::Open,
            connection: None,
            spare: 0,
            waiting: 0,
            abandoned: 0,
        }
    }

    pub(super) fn check_open(&self) -> Result<(), Error> {
        if matches!(self.phase, Phase::Open) { Ok(()) } else { Err(Error::Shutdown) }
    }

    /// Appends one whole request to the output, or nothing; returns the Seq it was written under.
    #[inline]
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut RequestWriter, u64, &mut BytesMut) -> Result<(), EncodeError>,
        limit: usize,
    ) -> Result<u64, Error> {
        let seq = self.in_flight.next_seq();
        let keep = self.output.len();
        let mut rollback = Rollback { output: &mut self.output, keep };
        write(&mut self.writer, seq, rollback.output).map_err(Error::Encode)?;
        let len = rollback.output.len() - keep;
        if len > limit {
            self.writer.rollback();
            return Err(Error::Encode(EncodeError::new(format!("request of {len} bytes, limit {limit}"))));
        }
        rollback.keep = rollback.output.len();
        Ok(seq)
    }

    /// Tells the server that no caller waits for `seq`; its answer will be dropped as one of no call in flight.
    pub(super) fn cancel(&mut self, seq: u64) {
        let cancel = |writer: &mut RequestWriter, own_seq: u64, out: &mut BytesMut| {
            writer.encode(own_seq, CANCEL, CallOptions::default(), &Cancel { seq }, None, out)
        };
        if self.write(cancel, usize::MAX).is_ok() {
            self.in_flight.skip_seq();
        }
    }

    /// Why an unanswered call will never be answered, once the connection is closed.
    pub(super) fn failure(&self, seq: u64) -> Option<Error> {
        let Phase::Closed(reason) = &self.phase else { return None };
        Some(match reason {
            _ if self.is_unsent(seq) => Error::Shutdown,
            // No caller is left to ask when the last handle is gone; a runtime that shuts down asks all the same.
            CloseReason::Here => Error::Io(Arc::new(io::ErrorKind::ConnectionAborted.into())),
            CloseReason::Lost(error) => Error::Io(error.clone()),
            CloseReason::Protocol(error) => Error::Protocol(error.clone()),
        })
    }

    pub(super) fn is_unsent(&self, seq: u64) -> bool {
        seq >= self.first_unsent
    }

    /// Permits that are wanted in the queue, or too many to keep here.
    #[inline]
    pub(super) fn permits_to_give_back(&mut self) -> usize {
        if self.waiting == 0 && self.spare <= MAX_SPARE {
            return 0;
        }
        std::mem::take(&mut self.spare)
    }
}
