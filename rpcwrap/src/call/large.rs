//! Work on large messages, which is done beside the threads that do I/O: decoding, decompressing, encoding.
//!
//! On a runtime of several threads another one takes over the tasks of this one meanwhile. On a runtime of one thread
//! there is no other.

use super::slice;
use crate::live::watch;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task::block_in_place,
};

/// From how many bytes on a message is large: what a codec is done with in about a millisecond is not.
pub(crate) const LARGE: usize = 256 << 10;

/// Does `work` on so many bytes.
#[inline]
pub(crate) fn work_on<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    if bytes < LARGE { work() } else { aside(work) }
}

/// Does `work`, which may take long, aside. In the tasks of connections only: elsewhere the program may have its own
/// reasons to stay on a thread, as a `LocalSet` has.
///
/// While as much is done aside as may be it is done here: every thread has a message, its value and its reply in memory.
#[cold]
#[inline(never)]
pub(crate) fn aside<R>(work: impl FnOnce() -> R) -> R {
    let has_others = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
    if !slice::is_begun() || !Handle::try_current().is_ok_and(has_others) {
        return work();
    }
    let Ok(_place) = ASIDE.try_acquire() else { return work() };
    watch::aside(|| block_in_place(work))
}

/// Threads that may be at large messages beside those that do I/O.
static ASIDE: Semaphore = Semaphore::const_new(1);
