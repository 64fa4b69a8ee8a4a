//! Which call waits for which Seq: bookkeeping between the callers and the connection, without locks or sockets.
//!
//! A call takes the next number and a slot, [`InFlight::deliver`] brings its reply, the caller takes it out. Slots are
//! an array with a power-of-two length and a call's place is its Seq modulo that length, so there is nothing to hash
//! and nothing to allocate per call. A number whose place is still held by a call that much older is skipped: Seq
//! counts 0, 1, 2… as Go's does until some call has been in flight for hundreds of others.

use crate::items::{Item, Items, Pushed};
use codecs::Reply;
use std::task::{Poll, Waker};

/// Slots of the first call.
const FIRST_SLOTS: usize = 8;
/// Slots kept while nothing is in flight, some 5 KiB.
const IDLE_SLOTS: usize = 64;

/// Calls and streams that are sent and not yet taken back by their callers.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// At most half full, so that a free place for the next Seq is near.
    slots: Vec<Slot>,
    next: u64,
    len: usize,
    unanswered: usize,
}

#[derive(Debug, Default)]
struct Slot {
    seq: u64,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Free,
    Pending(Waker),
    Answered(Reply),
    Stream(Box<Items>),
}

/// What a new entry waits for.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// One reply.
    Call(Waker),
    /// A stream of them.
    Stream(Box<Items>),
}

/// What became of a reply.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// Its caller is to be woken.
    Wake(Waker),
    /// Its reader will find it.
    Kept,
    /// No caller waits for it: an unknown Seq, a second reply, or a call that was dropped.
    Dropped,
    /// It did not fit into its stream's buffer: that stream has failed.
    Overrun(Option<Waker>),
}

impl InFlight {
    /// Nothing is in flight, and the first call has the number `next`.
    pub(crate) fn from_seq(next: u64) -> Self {
        Self { next, ..Self::default() }
    }

    /// The number of the next call.
    #[inline]
    pub(crate) fn next_seq(&mut self) -> u64 {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        while self.slot(self.next).is_some_and(|slot| !matches!(slot.state, State::Free)) {
            self.next = self.next.wrapping_add(1);
        }
        self.next
    }

    /// Gives [`next_seq`](Self::next_seq) to a request whose reply no caller waits for.
    pub(crate) fn skip_seq(&mut self) {
        self.next = self.next.wrapping_add(1);
    }

    /// Enters the call that was written under [`next_seq`](Self::next_seq).
    #[inline]
    pub(crate) fn insert(&mut self, waiter: Waiter) -> u64 {
        let seq = self.next_seq();
        self.next = seq.wrapping_add(1);
        self.len += 1;
        self.unanswered += 1;
        let state = match waiter {
            Waiter::Call(waker) => State::Pending(waker),
            Waiter::Stream(items) => State::Stream(items),
        };
        if let Some(slot) = self.slot_mut(seq) {
            *slot = Slot { seq, state };
        }
        seq
    }

    /// Brings a reply to the caller that waits for it.
    #[inline]
    pub(crate) fn deliver(&mut self, reply: Reply) -> Delivered {
        let Some(state) = self.find(reply.seq()) else { return Delivered::Dropped };
        match state {
            State::Pending(_) => {
                let State::Pending(waker) = std::mem::replace(state, State::Answered(reply)) else {
                    return Delivered::Dropped;
                };
                self.unanswered -= 1;
                Delivered::Wake(waker)
            }
            State::Stream(items) if !items.has_ended() => {
                let pushed = items.push(reply);
                let waker = items.take_waker();
                self.unanswered -= usize::from(items.has_ended());
                match (pushed, waker) {
                    (Pushed::Overrun, waker) => Delivered::Overrun(waker),
                    (Pushed::Kept, Some(waker)) => Delivered::Wake(waker),
                    (Pushed::Kept, None) => Delivered::Kept,
                }
            }
            State::Free | State::Answered(_) | State::Stream(_) => Delivered::Dropped,
        }
    }

    /// Takes the reply to a call out and frees its slot, or leaves `waker` to be woken by it.
    #[inline]
    pub(crate) fn poll_reply(&mut self, seq: u64, waker: &Waker) -> Poll<Reply> {
        let Some(state) = self.find(seq) else { return Poll::Pending };
        match state {
            State::Answered(_) => {
                if let State::Answered(reply) = std::mem::take(state) {
                    self.release_slot();
                    return Poll::Ready(reply);
                }
                Poll::Pending
            }
            State::Pending(old) => {
                old.clone_from(waker);
                Poll::Pending
            }
            State::Free | State::Stream(_) => Poll::Pending,
        }
    }

    /// Takes the next item of a stream; its end, good or bad, frees the slot.
    pub(crate) fn poll_item(&mut self, seq: u64, waker: &Waker) -> Poll<Item> {
        let Some(State::Stream(items)) = self.find(seq) else { return Poll::Pending };
        let polled = items.poll(waker);
        if matches!(polled, Poll::Ready(Item::Failed(_) | Item::Complete | Item::Overrun { .. })) {
            self.remove(seq);
        }
        polled
    }

    /// Frees the slot of a call, whose reply will be dropped; whether it was still unanswered.
    pub(crate) fn remove(&mut self, seq: u64) -> bool {
        let Some(state) = self.find(seq) else { return false };
        let unanswered = match std::mem::take(state) {
            State::Free => return false,
            State::Pending(_) => true,
            State::Answered(_) => false,
            State::Stream(items) => !items.has_ended(),
        };
        self.release_slot();
        self.unanswered -= usize::from(unanswered);
        unanswered
    }

    /// Everybody who waits, to be told that there will be no more replies.
    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        let waiting = self.slots.iter_mut().filter_map(|slot| match &mut slot.state {
            State::Pending(waker) => Some(waker.clone()),
            State::Stream(items) => items.take_waker(),
            State::Free | State::Answered(_) => None,
        });
        waiting.collect()
    }

    /// Slots taken: calls unanswered, or answered and not yet taken by their callers.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Calls whose reply, and streams whose end, has not come.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// A slot has become free; gives memory back when it was the last one.
    #[inline]
    fn release_slot(&mut self) {
        self.len -= 1;
        if self.len == 0 && self.slots.len() > IDLE_SLOTS {
            self.slots = Vec::new();
        }
    }

    /// Doubles the slots. Places that differ modulo a length differ modulo its double: no two collide.
    #[cold]
    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(FIRST_SLOTS);
        let old = std::mem::take(&mut self.slots);
        self.slots.resize_with(len, Slot::default);
        for slot in old.into_iter().filter(|slot| !matches!(slot.state, State::Free)) {
            if let Some(place) = self.slot_mut(slot.seq) {
                *place = slot;
            }
        }
    }

    #[inline]
    fn find(&mut self, seq: u64) -> Option<&mut State> {
        self.slot_mut(seq).filter(|slot| slot.seq == seq).map(|slot| &mut slot.state)
    }

    #[inline]
    fn slot(&self, seq: u64) -> Option<&Slot> {
        self.slots.get(self.place(seq))
    }

    #[inline]
    fn slot_mut(&mut self, seq: u64) -> Option<&mut Slot> {
        let place = self.place(seq);
        self.slots.get_mut(place)
    }

    /// The length is a power of two, or 0 and there is no place.
    #[inline]
    fn place(&self, seq: u64) -> usize {
        // Only the low bits count.
        seq as usize & self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests;
