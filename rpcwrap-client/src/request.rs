//! One call from its arguments to its reply: permit, request, wait, decode, with the caller's task doing all of it.

use crate::{
    deadline::{Deadline, call_options},
    error::Error,
    handle::Handle,
    in_flight::Waiter,
    items::Items,
    shared::Shared,
    stream::ReplyStream,
};
use bytes::BytesMut;
use codecs::{EncodeError, Reply, RequestWriter, schema::TypeOf};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout_at;

/// A call, with options of its own, not yet sent.
///
/// ```no_run
/// # async fn example(client: rpcwrap_client::Client) {
/// use rpcwrap_client::Error;
/// use std::time::Duration;
/// let limit = Duration::from_millis(50);
/// let slept: Result<i64, Error> = client.request("Slow.Sleep").timeout(limit).call(&5000).await;
/// assert!(matches!(slept, Err(Error::Timeout { sent: true, .. })));
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a request does nothing before `call` or `stream`"]
pub struct Request<'c> {
    handle: &'c Handle,
    service_method: &'c str,
    timeout: Option<Duration>,
    /// Makes the arguments' type, where the caller has stated it.
    args_type: Option<fn() -> TypeOf>,
}

impl<'c> Request<'c> {
    pub(crate) fn new(handle: &'c Handle, service_method: &'c str) -> Self {
        Self { handle, service_method, timeout: handle.shared().config.call_timeout, args_type: None }
    }

    /// Gives up after `timeout`, counted from [`call`](Self::call) on and including the wait for its turn; for a stream
    /// the time until its last item.
    ///
    /// Shape: what is left of it goes out as the optional header member `Timeout` in whole milliseconds, beside
    /// `Details`; servers of ours stop the method then, others skip both. See
    /// [`Config::extensions`](crate::Config::extensions).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// States that the argument is an `A`, so that its type is known without its value.
    ///
    /// For gob, whose servers refuse a type they cannot see: an empty list or map on its own says nothing of its
    /// elements, and a `None` nothing of what it lacks. Other codecs do not look at it.
    ///
    /// ```no_run
    /// # async fn example(client: rpcwrap_client::Client) -> Result<(), rpcwrap_client::Error> {
    /// let names: Vec<String> = Vec::new();
    /// let sorted: Vec<String> = client.request("Names.Sort").with_arg_type::<Vec<String>>().call(&names).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_arg_type<A: Deserialize<'static>>(mut self) -> Self {
        self.args_type = Some(TypeOf::new::<A>);
        self
    }

    /// Sends it and waits for the reply; as [`Client::call`](crate::Client::call).
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn call<A, R>(self, args: &A) -> Result<R, Error>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let shared = self.handle.shared();
        let args_type = self.args_type.map(|make| make());
        let Some(deadline) = self.timeout.and_then(Deadline::new) else {
            return call(shared, self.service_method, args, args_type.as_ref()).await;
        };
        let reply = exchange(shared, Some(deadline), |writer, seq, out| {
            let options = call_options(Some(deadline), &shared.config);
            writer.encode(seq, self.service_method, options, args, args_type.as_ref(), out)
        });
        finish(shared, &reply.await?, Some(deadline.after))
    }

    /// Sends it and returns the stream of its replies; as [`Client::stream`](crate::Client::stream).
    ///
    /// # Errors
    /// As [`Client::stream`](crate::Client::stream).
    pub async fn stream<A, R>(self, args: &A) -> Result<ReplyStream<R>, Error>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let shared = self.handle.shared();
        let config = &shared.config;
        let deadline = self.timeout.and_then(Deadline::new);
        let args_type = self.args_type.map(|make| make());
        let write = |writer: &mut RequestWriter, seq: u64, out: &mut BytesMut| {
            let options = call_options(deadline, config);
            writer.encode(seq, self.service_method, options, args, args_type.as_ref(), out)
        };
        let start = shared.start(write, |_| {
            Waiter::Stream(Box::new(Items::new(config.stream_buffer_items, config.stream_buffer_bytes)))
        });
        let seq = match deadline {
            Some(deadline) => timeout_at(deadline.at, start).await.map_err(|_| deadline.error(false))??,
            None => start.await?,
        };
        Ok(ReplyStream::new(self.handle.clone(), seq, deadline))
    }
}

/// A call without a time limit.
#[inline]
pub(crate) async fn call<A, R>(
    shared: &Shared,
    service_method: &str,
    args: &A,
    args_type: Option<&TypeOf>,
) -> Result<R, Error>
where
    A: Serialize + ?Sized,
    R: DeserializeOwned,
{
    let options = call_options(None, &shared.config);
    let write = |writer: &mut RequestWriter, seq: u64, out: &mut BytesMut| {
        writer.encode(seq, service_method, options, args, args_type, out)
    };
    let seq = shared.start(write, |waker| Waiter::Call(waker.clone())).await?;
    let reply = Pending::new(shared, seq).await?;
    finish(shared, &reply, None)
}

/// Sends what `write` writes and waits for the reply; within the deadline, if there is one.
pub(crate) async fn exchange(
    shared: &Shared,
    deadline: Option<Deadline>,
    write: impl Fn(&mut RequestWriter, u64, &mut BytesMut) -> Result<(), EncodeError>,
) -> Result<Reply, Error> {
    let start = shared.start(write, |waker| Waiter::Call(waker.clone()));
    let Some(deadline) = deadline else {
        return Pending::new(shared, start.await?).await;
    };
    let seq = timeout_at(deadline.at, start).await.map_err(|_| deadline.error(false))??;
    timeout_at(deadline.at, Pending::new(shared, seq)).await.map_err(|_| deadline.error(true))?
}

#[inline]
fn finish<R: DeserializeOwned>(
    shared: &Shared,
    reply: &Reply,
    timeout: Option<Duration>,
) -> Result<R, Error> {
    match reply.error() {
        None => shared.body(reply),
        Some(error) => Err(Error::from_reply(error, timeout)),
    }
}

/// A call that is sent; dropping it gives it up.
#[derive(Debug)]
struct Pending<'s> {
    shared: &'s Shared,
    seq: u64,
    done: bool,
}

impl<'s> Pending<'s> {
    fn new(shared: &'s Shared, seq: u64) -> Self {
        Self { shared, seq, done: false }
    }
}

impl Future for Pending<'_> {
    type Output = Result<Reply, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.shared.poll_reply(self.seq, cx.waker());
        self.done = polled.is_ready();
        polled
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.shared.abandon(self.seq);
        }
    }
}
