//! Work on large messages, which is done beside the threads that do I/O: decoding, decompressing, encoding.
//!
//! On a runtime of several threads another one takes over the tasks of this one meanwhile. On a runtime of one thread
//! there is no other. There are few places for such work, as each thread at it has a message, its value and its reply in
//! memory. A connection that finds them taken waits for its turn, and others are served meanwhile. No handler is polled
//! in it: one that blocks its thread would hold up all that wait.

use super::slice;
use crate::live::watch;
use std::{
    cell::Cell,
    fmt,
    future::Future,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
    thread::available_parallelism,
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{Semaphore, SemaphorePermit},
    task::block_in_place,
};

/// From how many bytes on a message is large: what a codec is done with in about a millisecond is not.
pub(crate) const LARGE: usize = 256 << 10;

/// Threads that may be at large messages beside those that do I/O: on half of the cores.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, usize::from);
    Semaphore::new((cores / 2).max(1))
});

thread_local! {
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
    static HAS_PLACE: Cell<bool> = const { Cell::new(false) };
}

/// The right to work on a large message, one of few.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: SemaphorePermit<'static>,
}

impl Place {
    /// A place, if one is free.
    pub(crate) fn free() -> Option<Self> {
        PLACES.try_acquire().ok().map(|_permit| Self { _permit })
    }

    /// A place when it is this caller's turn, first come, first served; a future that is dropped gives its turn up.
    pub(crate) async fn wait() -> Self {
        match PLACES.acquire().await {
            Ok(_permit) => Self { _permit },
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// Does `work`, which may take long, aside, and gives the place back afterwards or when `work` does. In the tasks of
    /// connections only: elsewhere the program may have its own reasons to stay on a thread, as a `LocalSet` has.
    #[cold]
    #[inline(never)]
    pub(crate) fn work<R>(self, work: impl FnOnce() -> R) -> R {
        let _occupied = Occupied::new(self);
        let has_others = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
        if !slice::is_begun() || !Handle::try_current().is_ok_and(has_others) {
            return work();
        }
        watch::aside(|| block_in_place(work))
    }
}

/// That this thread has the place, until this is dropped.
struct Occupied;

impl Occupied {
    fn new(place: Place) -> Self {
        PLACE.set(Some(place));
        HAS_PLACE.set(true);
        Self
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the place back that this thread has, before it does what is not its business with the message.
#[cold]
#[inline(never)]
pub(crate) fn give_back() {
    HAS_PLACE.set(false);
    PLACE.take();
}

/// Whether this thread has a place.
#[inline]
pub(crate) fn has_place() -> bool {
    HAS_PLACE.get()
}

/// A wait for a place, to be polled.
pub(crate) struct PlaceWait(Pin<Box<dyn Future<Output = Place> + Send>>);

impl PlaceWait {
    pub(crate) fn new() -> Self {
        Self(Box::pin(Place::wait()))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Place> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for PlaceWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlaceWait")
    }
}

/// Whether this is a thread with other connections to serve, which should not be long at a message.
#[inline]
pub(crate) fn is_needed_elsewhere() -> bool {
    slice::is_begun() && !HAS_PLACE.get()
}

/// Does `work` on so many bytes, where a place is free aside.
#[inline]
pub(crate) fn work_on<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    if bytes < LARGE { work() } else { aside(work) }
}

/// Does `work` aside where a place is free, and here where this thread has one or all are taken.
#[cold]
#[inline(never)]
pub(crate) fn aside<R>(work: impl FnOnce() -> R) -> R {
    match is_needed_elsewhere().then(Place::free).flatten() {
        Some(place) => place.work(work),
        None => work(),
    }
}
