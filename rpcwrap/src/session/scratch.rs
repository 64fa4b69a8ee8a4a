//! Buffers of the running thread, lent to whichever session is being polled, so that idle connections hold none.

use crate::live::stats::Tally;
use bytes::BytesMut;
use std::cell::Cell;

/// Bytes read at once.
pub(super) const READ_BYTES: usize = 64 << 10;
/// Buffers that grew beyond this are not kept.
const KEEP_BYTES: usize = 256 << 10;
/// Unread input up to this size is copied between the session and the thread's buffer instead of keeping its own.
const SMALL_BYTES: usize = 4 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// What a session needs while it runs.
#[derive(Default)]
pub(super) struct Scratch {
    input: BytesMut,
    output: BytesMut,
    /// How large the buffers that are lent have been: of one that has given bytes away only the rest shows.
    input_size: usize,
    output_size: usize,
    /// Whether a session lent its own: it may be the rest of a much larger one, whose memory it still has.
    is_sessions_input: bool,
    is_sessions_output: bool,
    pub(super) tally: Tally,
}

impl Scratch {
    /// This thread's, or new ones if a session is polled from within another.
    pub(super) fn take() -> Box<Self> {
        SCRATCH.take().unwrap_or_default()
    }

    /// For the next session.
    pub(super) fn give_back(self: Box<Self>) {
        SCRATCH.set(Some(self));
    }

    /// A buffer that starts with what `kept` holds, with room to read into.
    pub(super) fn input(&mut self, kept: &mut BytesMut) -> BytesMut {
        self.input_size = 0;
        self.is_sessions_input = kept.len() > SMALL_BYTES;
        if self.is_sessions_input {
            return std::mem::take(kept);
        }
        let mut input = std::mem::take(&mut self.input);
        if !kept.is_empty() {
            input.extend_from_slice(&std::mem::take(kept));
        }
        input
    }

    /// Notes how large the buffers are: before anything is taken from their fronts.
    #[inline]
    pub(super) fn note_sizes(&mut self, input: &BytesMut, output: &BytesMut) {
        self.input_size = self.input_size.max(input.capacity());
        self.output_size = self.output_size.max(output.capacity());
    }

    /// Takes a buffer back; what it still holds goes to `kept`.
    pub(super) fn return_input(&mut self, mut input: BytesMut, kept: &mut BytesMut) {
        if input.len() > SMALL_BYTES {
            // The start of a message behind a much larger one does not keep the memory of that.
            let is_rest = self.input_size > KEEP_BYTES && input.len() < self.input_size / 4;
            *kept = if is_rest { BytesMut::from(&input[..]) } else { input };
            return;
        }
        if !input.is_empty() {
            *kept = BytesMut::from(&input[..]);
            input.clear();
        }
        if !self.is_sessions_input && self.input_size.max(input.capacity()) <= KEEP_BYTES {
            self.input = input;
        }
    }

    /// A buffer that starts with the output `kept` holds.
    pub(super) fn output(&mut self, kept: &mut BytesMut) -> BytesMut {
        self.output_size = 0;
        self.is_sessions_output = !kept.is_empty();
        if self.is_sessions_output { std::mem::take(kept) } else { std::mem::take(&mut self.output) }
    }

    /// Takes a buffer back; what it still holds goes to `kept`.
    pub(super) fn return_output(&mut self, mut output: BytesMut, kept: &mut BytesMut) {
        if !output.is_empty() {
            *kept = output;
            return;
        }
        let size = self.output_size.max(output.capacity());
        if !self.is_sessions_output && size <= KEEP_BYTES {
            output.clear();
            self.output = output;
        }
    }
}
