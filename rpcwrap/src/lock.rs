//! Locks that go on when a thread has panicked that held one of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic under the lock before does not count.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
