//! Callers and replies against each other, without sockets.

use super::*;
use bytes::Bytes;
use codecs::{END_OF_STREAM, ErrorReply};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake,
};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn call(calls: &mut InFlight) -> u64 {
    calls.insert(Waiter::Call(Waker::noop().clone()))
}

fn stream(calls: &mut InFlight, max_items: usize) -> u64 {
    calls.insert(Waiter::Stream(Box::new(Items::new(max_items, 1 << 20))))
}

fn reply(seq: u64) -> Reply {
    Reply::new(Bytes::from(format!("reply {seq}")), seq, 0..0, 0..6)
}

fn taken(calls: &mut InFlight, seq: u64) -> Option<u64> {
    match calls.poll_reply(seq, Waker::noop()) {
        Poll::Ready(reply) => Some(reply.seq()),
        Poll::Pending => None,
    }
}

#[test]
fn seq_counts_from_zero_as_gos() {
    let mut calls = InFlight::default();
    for expected in 0..1000 {
        assert_eq!(calls.next_seq(), expected);
        assert_eq!(call(&mut calls), expected);
        assert!(matches!(calls.deliver(reply(expected)), Delivered::Wake(_)));
        assert_eq!(taken(&mut calls, expected), Some(expected));
    }
    assert_eq!((calls.len(), calls.unanswered()), (0, 0));
}

#[test]
fn replies_in_any_order_find_their_callers() {
    let mut calls = InFlight::default();
    let seqs: Vec<_> = (0..100).map(|_| call(&mut calls)).collect();
    for seq in seqs.iter().rev() {
        assert_eq!(taken(&mut calls, *seq), None);
        assert!(matches!(calls.deliver(reply(*seq)), Delivered::Wake(_)));
    }
    assert_eq!((calls.len(), calls.unanswered()), (100, 0));
    for seq in seqs {
        assert_eq!(taken(&mut calls, seq), Some(seq));
    }
    assert_eq!(calls.len(), 0);
}

#[test]
fn unknown_second_and_late_replies_are_dropped() {
    let mut calls = InFlight::default();
    assert!(matches!(calls.deliver(reply(0)), Delivered::Dropped), "before any call");
    let (first, second) = (call(&mut calls), call(&mut calls));
    assert!(matches!(calls.deliver(reply(2)), Delivered::Dropped), "not yet called");
    assert!(matches!(calls.deliver(reply(u64::MAX)), Delivered::Dropped), "never called");
    assert!(matches!(calls.deliver(reply(first)), Delivered::Wake(_)));
    assert!(matches!(calls.deliver(reply(first)), Delivered::Dropped), "answered");
    assert_eq!(taken(&mut calls, first), Some(first));
    assert!(matches!(calls.deliver(reply(first)), Delivered::Dropped), "answered and taken");
    assert!(calls.remove(second), "was unanswered");
    assert!(!calls.remove(second), "is gone");
    assert!(matches!(calls.deliver(reply(second)), Delivered::Dropped), "given up");
    assert_eq!((calls.len(), calls.unanswered()), (0, 0));
}

#[test]
fn a_call_that_stays_for_ever_keeps_its_seq_and_no_other_call_gets_its_reply() {
    let mut calls = InFlight::default();
    let slow = call(&mut calls);
    let mut numbers = BTreeSet::from([slow]);
    for _ in 0..10_000 {
        let seq = call(&mut calls);
        assert!(numbers.insert(seq), "{seq} twice");
        assert!(matches!(calls.deliver(reply(seq)), Delivered::Wake(_)));
        assert_eq!(taken(&mut calls, seq), Some(seq));
    }
    assert!(calls.slots.len() <= FIRST_SLOTS, "two in flight never need more");
    assert!(matches!(calls.deliver(reply(slow)), Delivered::Wake(_)));
    assert_eq!(taken(&mut calls, slow), Some(slow));
}

#[test]
fn growing_moves_every_call_to_where_it_is_found() {
    let mut calls = InFlight::default();
    let mut live = BTreeMap::new();
    // Every third call stays, so that numbers are spread when the slots are doubled.
    for round in 0..3000 {
        let seq = call(&mut calls);
        if round % 3 == 0 {
            live.insert(seq, round);
        } else {
            assert!(calls.remove(seq));
        }
    }
    assert_eq!(calls.len(), live.len());
    assert!(calls.slots.len() >= 2 * live.len() && calls.slots.len() <= 4 * live.len());
    for seq in live.into_keys() {
        assert!(matches!(calls.deliver(reply(seq)), Delivered::Wake(_)));
        assert_eq!(taken(&mut calls, seq), Some(seq));
    }
    assert_eq!(calls.slots.capacity(), 0);
    let seq = call(&mut calls);
    assert!(seq >= 3000, "the count goes on");
}

#[test]
fn the_latest_waker_is_woken_once() {
    let mut calls = InFlight::default();
    let (early, late) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let seq = calls.insert(Waiter::Call(early.clone().into()));
    assert!(calls.poll_reply(seq, &late.clone().into()).is_pending());
    let Delivered::Wake(waker) = calls.deliver(reply(seq)) else { panic!("a caller waits") };
    waker.wake();
    assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn every_waiting_call_is_woken_at_the_end() {
    let mut calls = InFlight::default();
    let count = Arc::new(Count::default());
    for _ in 0..10 {
        calls.insert(Waiter::Call(count.clone().into()));
    }
    let reading = stream(&mut calls, 4);
    assert!(calls.poll_item(reading, &count.clone().into()).is_pending());
    stream(&mut calls, 4);
    assert!(matches!(calls.deliver(reply(0)), Delivered::Wake(_)));
    calls.wakers().into_iter().for_each(Waker::wake);
    assert_eq!(count.0.load(Ordering::Relaxed), 10, "nine calls and the reading stream");
}

#[test]
fn a_stream_takes_many_replies_and_its_end_frees_the_slot() {
    let mut calls = InFlight::default();
    let seq = stream(&mut calls, 4);
    for _ in 0..3 {
        assert!(matches!(calls.deliver(reply(seq)), Delivered::Kept));
    }
    assert_eq!((calls.len(), calls.unanswered()), (1, 1));
    let end = reply(seq).with_error(ErrorReply::new(END_OF_STREAM));
    assert!(matches!(calls.deliver(end), Delivered::Kept));
    assert_eq!((calls.len(), calls.unanswered()), (1, 0));
    assert!(matches!(calls.deliver(reply(seq)), Delivered::Dropped), "after the end");
    for _ in 0..3 {
        assert!(matches!(calls.poll_item(seq, Waker::noop()), Poll::Ready(Item::Value(_))));
    }
    assert!(matches!(calls.poll_item(seq, Waker::noop()), Poll::Ready(Item::Complete)));
    assert_eq!(calls.len(), 0);
}

#[test]
fn an_overrun_ends_one_stream_and_leaves_the_others() {
    let mut calls = InFlight::default();
    let (slow, fine) = (stream(&mut calls, 2), call(&mut calls));
    assert!(matches!(calls.deliver(reply(slow)), Delivered::Kept));
    assert!(matches!(calls.deliver(reply(slow)), Delivered::Kept));
    assert!(matches!(calls.deliver(reply(slow)), Delivered::Overrun(None)));
    assert_eq!(calls.unanswered(), 1);
    assert!(matches!(calls.deliver(reply(slow)), Delivered::Dropped));
    assert!(matches!(calls.deliver(reply(fine)), Delivered::Wake(_)));
    assert!(!calls.remove(slow), "it had ended");
    assert_eq!(taken(&mut calls, fine), Some(fine));
    assert_eq!((calls.len(), calls.unanswered()), (0, 0));
}
