//! A message while it is written.
//!
//! Header and value are written in one go, before it is known whether the value can be; of its types this knows
//! nothing.

use crate::gob::{
    ser::Sink,
    types::Id,
    wire::{put_int, put_uint_at},
};
use bytes::BufMut;
use std::cell::Cell;

/// What is kept of a buffer between messages, in bytes.
const KEPT_BYTES: usize = 64 << 10;

thread_local! {
    /// Where messages are written first. One for all connections of the thread: it is empty between two messages.
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A message that has not gone out.
pub(super) struct Draft {
    /// The type of the header.
    pub(super) header: Id,
    /// The header with its length, a byte, and the value; and the types of values in interfaces, which have to be known
    /// before.
    pub(super) sink: Sink,
    /// Where the byte is, behind the header, which is room for the length of most values.
    pub(super) len_at: usize,
    /// The type of the value.
    pub(super) id: Id,
}

impl Draft {
    /// A draft in the thread's buffer, with the header as a message of its own; `write` writes its fields.
    #[inline(always)]
    pub(super) fn new(header: Id, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = BYTES.try_with(Cell::take).unwrap_or_default();
        bytes.clear();
        bytes.put_u8(0);
        put_int(&mut bytes, header.number());
        write(&mut bytes);
        bytes.put_u8(0);
        let len = bytes.len() - 1;
        put_uint_at(&mut bytes, 0, len);
        let len_at = bytes.len();
        Self { header, sink: Sink { bytes, ..Sink::default() }, len_at, id: Id::NONE }
    }
}

impl Drop for Draft {
    /// Keeps the buffer for the next message.
    #[inline]
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.sink.bytes);
        if bytes.capacity() <= KEPT_BYTES {
            // Without a thread's own there is nowhere to keep it.
            let _ = BYTES.try_with(|kept| kept.set(bytes));
        }
    }
}
