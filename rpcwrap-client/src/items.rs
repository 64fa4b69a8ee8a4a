//! The items of one stream between the connection that receives them and the reader that takes them.
//!
//! Bounded: what does not fit ends the stream, not the connection. Pure, as [`in_flight`](crate::in_flight).

use codecs::{END_OF_STREAM, Reply};
use std::{
    collections::VecDeque,
    task::{Poll, Waker},
};

/// Received and not yet read.
#[derive(Debug)]
pub(crate) struct Items {
    ready: VecDeque<Reply>,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
    end: Option<Item>,
    reader: Option<Waker>,
}

/// What a reader finds.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// One more.
    Value(Reply),
    /// The last word: the stream failed on the server.
    Failed(Reply),
    /// There are no more.
    Complete,
    /// The reader was too slow; there was one more than fits.
    Overrun {
        /// Items waiting at that moment.
        items: usize,
        /// Their bytes.
        bytes: usize,
    },
}

/// Whether there was room for an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Yes, or it was the end.
    Kept,
    /// No: the stream has failed.
    Overrun,
}

impl Items {
    /// An empty buffer of at most `max_items` items and `max_bytes` bytes, but at least one item of any size.
    pub(crate) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self { ready: VecDeque::new(), bytes: 0, max_items, max_bytes, end: None, reader: None }
    }

    /// Takes in what the server sent; not to be called after the end.
    pub(crate) fn push(&mut self, reply: Reply) -> Pushed {
        if let Some(error) = reply.error() {
            self.end = Some(if error.text == END_OF_STREAM { Item::Complete } else { Item::Failed(reply) });
            return Pushed::Kept;
        }
        let bytes = self.bytes + size(&reply);
        let fits = self.ready.len() < self.max_items && bytes <= self.max_bytes;
        if !fits && !self.ready.is_empty() {
            self.end = Some(Item::Overrun { items: self.ready.len(), bytes: self.bytes });
            return Pushed::Overrun;
        }
        self.bytes = bytes;
        self.ready.push_back(reply);
        Pushed::Kept
    }

    /// The next item, then the end; or leaves `waker` to be woken by it.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Item> {
        if let Some(reply) = self.ready.pop_front() {
            self.bytes -= size(&reply);
            return Poll::Ready(Item::Value(reply));
        }
        if let Some(end) = &self.end {
            return Poll::Ready(end.clone());
        }
        // What a burst has grown is given back before the wait.
        self.ready = VecDeque::new();
        match &mut self.reader {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Poll::Pending
    }

    /// Whether nothing more is expected.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The reader, if it waits.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.reader.take()
    }
}

/// What a reply counts for: its value and what it takes to keep it.
fn size(reply: &Reply) -> usize {
    reply.body().len() + size_of::<Reply>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use codecs::ErrorReply;

    fn item(text: &str) -> Reply {
        Reply::new(Bytes::copy_from_slice(text.as_bytes()), 0, 0..0, 0..text.len())
    }

    fn next(items: &mut Items) -> String {
        match items.poll(Waker::noop()) {
            Poll::Pending => "pending".into(),
            Poll::Ready(Item::Value(reply)) => String::from_utf8_lossy(reply.body()).into_owned(),
            Poll::Ready(Item::Failed(reply)) => format!("failed: {}", reply.error().unwrap().text),
            Poll::Ready(Item::Complete) => "complete".into(),
            Poll::Ready(Item::Overrun { items, .. }) => format!("overrun at {items}"),
        }
    }

    fn check(max_items: usize, max_bytes: usize, pushed: Vec<Reply>, expected: &[&str]) {
        let mut items = Items::new(max_items, max_bytes);
        for reply in pushed {
            if !items.has_ended() {
                let _ = items.push(reply);
            }
        }
        let seen: Vec<_> = (0..expected.len()).map(|_| next(&mut items)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn items_then_the_end() {
        let end = |text: &str| item("").with_error(ErrorReply::new(text));
        check(9, 9999, vec![item("a"), item("b")], &["a", "b", "pending"]);
        check(9, 9999, vec![item("a"), end(END_OF_STREAM)], &["a", "complete"]);
        check(9, 9999, vec![end(END_OF_STREAM)], &["complete"]);
        check(9, 9999, vec![item("a"), end("triggered")], &["a", "failed: triggered"]);
        check(9, 9999, vec![end("triggered"), item("a")], &["failed: triggered"]);
    }

    #[test]
    fn what_does_not_fit_ends_the_stream_after_what_did() {
        check(2, 9999, vec![item("a"), item("b"), item("c"), item("d")], &["a", "b", "overrun at 2"]);
        let two = 2 * size(&item("a"));
        check(9, two, vec![item("a"), item("b"), item("c")], &["a", "b", "overrun at 2"]);
        check(9, 1, vec![item("large")], &["large", "pending"]);
        check(0, 0, vec![item("a"), item("b")], &["a", "overrun at 1"]);
    }

    #[test]
    fn reading_makes_room() {
        let mut items = Items::new(1, 9999);
        for text in ["a", "b", "c"] {
            assert_eq!(items.push(item(text)), Pushed::Kept);
            assert_eq!(next(&mut items), text);
        }
        assert_eq!(items.bytes, 0);
    }
}
