//! The calls in flight on one connection: which slots wait, since when, and what the bytes that come are worth.
//!
//! A slot's requests are always the same, so its replies are too as long as the server says the same: such a reply is
//! known by a comparison, in every codec. Everything else is decoded, checked and counted for what it is. Pure: bytes
//! and times come in as arguments, results go into a tally. It must not know sockets.

use super::requests::Requests;
use crate::bench::{
    failure::Failure,
    tally::{RequestTimes, Tally},
};
use bytes::{Buf, BytesMut};
use codecs::{Reply, ReplyReader};
use rpcwrap_client::Error;
use serde::de::IgnoredAny;
use std::{ops::Range, time::Duration};

/// A longer reply is decoded each time; comparing it would not be much cheaper.
const LONGEST_KNOWN: usize = 4 << 10;
/// In place of the time a call was sent: there is no call.
const FREE: u64 = u64::MAX;

/// What was last answered in each slot, shared by all connections of a thread.
pub(super) type KnownReplies = Vec<Vec<u8>>;

/// The slots of one connection.
#[derive(Debug)]
pub(super) struct Window {
    reader: ReplyReader,
    /// When each slot's call was sent, in nanoseconds since the start of the run, or [`FREE`].
    sent: Box<[u64]>,
    in_flight: usize,
    /// The slot that is answered next by a server that answers in order.
    next: usize,
    /// Bytes whose message is not complete.
    rest: BytesMut,
    /// The reader has seen `rest`, and remembers how far it got.
    is_decoding: bool,
    /// A result was decoded before: those that come now define nothing that later ones refer to.
    has_result: bool,
}

/// The surroundings of a window while bytes come in.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) requests: &'a Requests,
    pub(super) known: &'a mut KnownReplies,
    pub(super) tally: &'a mut Tally,
    /// Slots whose calls have ended, in the order in which they did.
    pub(super) freed: &'a mut Vec<usize>,
    /// Nanoseconds since the start of the run.
    pub(super) now: u64,
}

impl Window {
    /// No call in flight on a new connection, from which `early` has been read already.
    pub(super) fn new(reader: ReplyReader, early: BytesMut, slots: usize) -> Self {
        Self {
            reader,
            sent: vec![FREE; slots].into(),
            in_flight: 0,
            next: 0,
            rest: early,
            is_decoding: false,
            has_result: false,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Notes that the calls of these slots were sent.
    pub(super) fn send(&mut self, slots: Range<usize>, now: u64) {
        self.in_flight += slots.len();
        self.sent[slots].fill(now);
    }

    /// How long each call in flight has been so.
    pub(super) fn waiting(&self, now: u64) -> impl Iterator<Item = RequestTimes> {
        self.sent.iter().filter(|&&sent| sent != FREE).map(move |&sent| request_times(sent, now))
    }

    /// Moves the beginning of a message to the front of `buf`, so that the rest of it can be read behind; its length.
    ///
    /// Nothing is moved if the reader goes on with it itself, or if there is no room: then what comes is copied.
    pub(super) fn take_rest(&mut self, buf: &mut [u8]) -> usize {
        match buf.get_mut(..self.rest.len()) {
            Some(front) if !self.is_decoding => {
                front.copy_from_slice(&self.rest);
                self.rest.clear();
                front.len()
            }
            _ => 0,
        }
    }

    /// Takes what has been read: counts every call that ended and frees its slot.
    ///
    /// # Errors
    /// The bytes are no replies; those before were counted.
    pub(super) fn receive(&mut self, bytes: &[u8], arrival: &mut Arrival<'_>) -> Result<(), Error> {
        let mut bytes = bytes;
        if self.rest.is_empty() {
            let matched = self.match_known(bytes, arrival);
            bytes = &bytes[matched..];
        }
        self.rest.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut self.rest);
        let decoded = self.decode(&mut rest, arrival);
        self.rest = rest;
        decoded
    }

    fn decode(&mut self, rest: &mut BytesMut, arrival: &mut Arrival<'_>) -> Result<(), Error> {
        while !rest.is_empty() {
            if !self.is_decoding {
                rest.advance(self.match_known(rest, arrival));
                if self.expected(arrival.known).is_some_and(|known| known.starts_with(rest)) {
                    return Ok(());
                }
            }
            let before = rest[..rest.len().min(LONGEST_KNOWN)].to_vec();
            let length = rest.len();
            let Some(reply) = self.reader.decode(rest).map_err(Error::Protocol)? else {
                self.is_decoding = !rest.is_empty();
                return Ok(());
            };
            self.is_decoding = false;
            // Fewer than are gone, if the reader had skipped blanks before: then what is kept will never be met again.
            let message = before.get(..length - rest.len()).unwrap_or_default();
            self.take(&reply, message, arrival);
        }
        Ok(())
    }

    /// What the next reply is, if it is the same as before and nothing changes the order.
    fn expected<'k>(&self, known: &'k [Vec<u8>]) -> Option<&'k [u8]> {
        let known = known[self.next].as_slice();
        (self.has_result && self.sent[self.next] != FREE && !known.is_empty()).then_some(known)
    }

    /// Counts the replies at the front of `bytes` that are what their slots were answered before; their length.
    fn match_known(&mut self, bytes: &[u8], arrival: &mut Arrival<'_>) -> usize {
        let mut matched = 0;
        // Calls that were sent together and are answered together are counted together.
        let (mut since, mut count) = (FREE, 0);
        while let Some(known) =
            self.expected(arrival.known).filter(|known| bytes[matched..].starts_with(known))
        {
            let (sent, length) = (self.sent[self.next], known.len());
            if sent != since && count > 0 {
                arrival.tally.done_many(request_times(since, arrival.now), count);
                count = 0;
            }
            (since, count) = (sent, count + 1);
            matched += length;
            self.free(self.next, arrival.freed);
        }
        if count > 0 {
            arrival.tally.done_many(request_times(since, arrival.now), count);
        }
        matched
    }

    /// Counts a decoded reply and remembers its bytes.
    fn take(&mut self, reply: &Reply, message: &[u8], arrival: &mut Arrival<'_>) {
        // A reply to no call of ours, or one more than there were calls: dropped, as by every client.
        let Some(slot) = arrival.requests.slot(reply.seq()).filter(|&slot| self.sent[slot] != FREE) else {
            return;
        };
        let times = request_times(self.sent[slot], arrival.now);
        let result = match reply.error() {
            None => self.reader.body::<IgnoredAny>(reply).map_err(Error::Decode),
            Some(error) => Err(Error::from(error)),
        };
        match result {
            Ok(IgnoredAny) => {
                arrival.tally.done(times);
                if self.has_result && message.len() < LONGEST_KNOWN {
                    message.clone_into(&mut arrival.known[slot]);
                }
                self.has_result = true;
            }
            Err(error) => arrival.tally.failed(times, Failure::from(&error)),
        }
        self.free(slot, arrival.freed);
    }

    fn free(&mut self, slot: usize, freed: &mut Vec<usize>) {
        self.sent[slot] = FREE;
        self.in_flight -= 1;
        self.next = if slot + 1 == self.sent.len() { 0 } else { slot + 1 };
        freed.push(slot);
    }
}

/// A closed loop intends to send when it sends.
fn request_times(sent: u64, now: u64) -> RequestTimes {
    let time = Duration::from_nanos(now.saturating_sub(sent));
    RequestTimes { response: time, service: time }
}
