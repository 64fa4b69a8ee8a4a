//! The replies of a streaming method, as a stream of decoded items.

use crate::{deadline::Deadline, error::Error, handle::Handle, items::Item};
use futures_util::Stream;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep_until};

/// The items of one streaming call, in the order the server sent them.
///
/// Ends with `None` when the server says so, or with one error and then `None`. An item that does not fit `R` is such
/// an error. Items that are not read wait in a buffer of [`stream_buffer_items`](crate::Config::stream_buffer_items)
/// and [`stream_buffer_bytes`](crate::Config::stream_buffer_bytes); the wire has no way to slow a server down for one
/// stream, so a reader who falls further behind gets what was buffered and then [`Error::Overrun`]. Other calls on the
/// connection never wait for it.
///
/// Dropping it gives the call up; its late items are dropped, and a server of ours is told with
/// [`Config::extensions`](crate::Config::extensions).
pub struct ReplyStream<R> {
    /// Keeps the connection open while there are items to come.
    handle: Handle,
    seq: u64,
    timeout: Option<Duration>,
    timer: Option<(Deadline, Pin<Box<Sleep>>)>,
    done: bool,
    reply: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> ReplyStream<R> {
    pub(crate) fn new(handle: Handle, seq: u64, deadline: Option<Deadline>) -> Self {
        Self {
            handle,
            seq,
            timeout: deadline.map(|deadline| deadline.after),
            timer: deadline.map(|deadline| (deadline, Box::pin(sleep_until(deadline.at)))),
            done: false,
            reply: PhantomData,
        }
    }

    /// The next item; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The last word of the stream.
    pub async fn next(&mut self) -> Option<Result<R, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<R, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let shared = self.handle.shared();
        let polled = shared.poll_item(self.seq, cx.waker());
        let Poll::Ready(polled) = polled else {
            if let Some((deadline, timer)) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                let error = deadline.error(true);
                self.give_up();
                return Poll::Ready(Some(Err(error)));
            }
            return Poll::Pending;
        };
        let item = match polled {
            Ok(Item::Value(reply)) => {
                let item = shared.body(&reply);
                if item.is_err() {
                    self.give_up();
                }
                return Poll::Ready(Some(item));
            }
            Ok(Item::Failed(reply)) => reply.error().map(|error| Err(Error::from_reply(error, self.timeout))),
            Ok(Item::Overrun { items, bytes }) => Some(Err(Error::Overrun { items, bytes })),
            Ok(Item::Complete) => None,
            Err(error) => Some(Err(error)),
        };
        self.done = true;
        Poll::Ready(item)
    }

    fn give_up(&mut self) {
        self.done = true;
        self.handle.shared().abandon(self.seq);
    }
}

impl<R: DeserializeOwned> Stream for ReplyStream<R> {
    type Item = Result<R, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }
}

impl<R> Drop for ReplyStream<R> {
    fn drop(&mut self) {
        if !self.done {
            self.handle.shared().abandon(self.seq);
        }
    }
}

impl<R> fmt::Debug for ReplyStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("seq", &self.seq).field("done", &self.done).finish()
    }
}
