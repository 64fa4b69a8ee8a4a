//! The requests of a closed loop, encoded once: what goes out is the same on every connection and every time.
//!
//! Each call a connection may have in flight has a slot, each slot a Seq of its own, and so each slot always the same
//! bytes. Pure; it must not know sockets or clocks.

use crate::bench::target::Target;
use bytes::BytesMut;
use codecs::{CallOptions, RequestWriter};
use rpcwrap_client::Error;
use std::ops::Range;

/// The Seq of the first slot. From here on a million numbers are written with as many digits, so that requests are
/// equally long in text codecs too.
const FIRST_SEQ: u64 = 1_000_000;

/// The bytes of every slot's request.
#[derive(Debug)]
pub(super) struct Requests {
    /// The first request of a connection, in slot 0: some codecs say once what later messages refer to.
    opening: BytesMut,
    /// The later ones, slot by slot.
    bytes: BytesMut,
    /// Where each slot's request ends in `bytes`.
    ends: Vec<usize>,
}

impl Requests {
    /// Encodes the calls of `target` for this many slots, by the writer of a connection that is ready for them: others
    /// have said the same before.
    pub(super) fn encode(writer: &mut RequestWriter, target: &Target, slots: usize) -> Result<Self, Error> {
        let mut encode = |slot: usize, out: &mut BytesMut| {
            let seq = FIRST_SEQ + slot as u64;
            writer.encode(seq, &target.method, CallOptions::default(), &target.argument, None, out)
        };
        let (mut opening, mut bytes) = (BytesMut::new(), BytesMut::new());
        encode(0, &mut opening).map_err(Error::Encode)?;
        let mut ends = Vec::with_capacity(slots);
        for slot in 0..slots {
            encode(slot, &mut bytes).map_err(Error::Encode)?;
            ends.push(bytes.len());
        }
        Ok(Self { opening, bytes, ends })
    }

    /// How many calls may be in flight.
    pub(super) fn slots(&self) -> usize {
        self.ends.len()
    }

    /// The slot a reply is for, if it is one of these.
    pub(super) fn slot(&self, seq: u64) -> Option<usize> {
        let slot = usize::try_from(seq.checked_sub(FIRST_SEQ)?).ok()?;
        (slot < self.slots()).then_some(slot)
    }

    /// Appends what opens a connection: the first request in its one-time form, for slot 0.
    pub(super) fn open(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.opening);
    }

    /// Appends the requests of neighbouring slots.
    pub(super) fn write(&self, slots: Range<usize>, out: &mut BytesMut) {
        let end_of = |slots: usize| slots.checked_sub(1).map_or(0, |slot| self.ends[slot]);
        out.extend_from_slice(&self.bytes[end_of(slots.start)..end_of(slots.end)]);
    }
}
