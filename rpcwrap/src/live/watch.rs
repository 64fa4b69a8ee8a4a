//! Which method each thread is at, so that one that does not let go of its thread can be named.
//!
//! A thread notes a method with one store and its end with two, and a watchdog looks at the notes now and then: what is the same for long
//! has blocked the thread for as long. Notes are of the process, as threads are, and numbers of methods too.

use crate::lock::lock;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

/// All threads that have noted a method and are still there.
static THREADS: Mutex<Vec<Weak<Note>>> = Mutex::new(Vec::new());
static METHODS: AtomicU64 = AtomicU64::new(0);
static NOTES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static NOTE: Arc<Note> = Note::of_this_thread();
}

/// A method's number in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MethodNumber(u64);

impl MethodNumber {
    const NONE: Self = Self(0);

    /// One that no other method has.
    pub(crate) fn new() -> Self {
        Self(METHODS.fetch_add(1, Relaxed) + 1)
    }
}

/// What a thread says of itself; written by that thread only.
#[derive(Debug)]
struct Note {
    thread: u64,
    method: AtomicU64,
    /// Grows whenever the thread leaves a method.
    turn: AtomicU64,
    /// What it does holds up no other task.
    is_aside: AtomicBool,
}

impl Note {
    fn of_this_thread() -> Arc<Self> {
        let note = Arc::new(Self {
            thread: NOTES.fetch_add(1, Relaxed),
            method: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            is_aside: AtomicBool::new(false),
        });
        let mut threads = lock(&THREADS);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&note));
        note
    }
}

/// Notes that this thread is at `method` from now on.
#[inline]
pub(crate) fn enter(method: MethodNumber) {
    // A thread that ends has no note any more, and nothing to say.
    let _ = NOTE.try_with(|note| note.method.store(method.0, Relaxed));
}

/// Notes that this thread goes on at `method`, or at none, and has let go of what it was at.
fn leave_for(method: MethodNumber) {
    // As above.
    let _ = NOTE.try_with(|note| {
        note.method.store(method.0, Relaxed);
        note.turn.store(note.turn.load(Relaxed).wrapping_add(1), Relaxed);
    });
}

/// Notes that this thread is at no method.
#[inline]
pub(crate) fn leave() {
    leave_for(MethodNumber::NONE);
}

/// The method this thread is at.
fn current() -> MethodNumber {
    NOTE.try_with(|note| MethodNumber(note.method.load(Relaxed))).unwrap_or(MethodNumber::NONE)
}

/// Does `work` at `method`, within what the thread is at now.
#[inline]
pub(crate) fn at<R>(method: MethodNumber, work: impl FnOnce() -> R) -> R {
    within(|| {
        enter(method);
        work()
    })
}

pin_project! {
    /// A future that is at the same method as the thread that has made it, whatever thread polls it.
    pub(crate) struct Noted<F> {
        #[pin]
        future: F,
        method: MethodNumber,
    }
}

impl<F> Noted<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, method: current() }
    }
}

impl<F: Future> Future for Noted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        at(*this.method, || this.future.poll(cx))
    }
}

/// Does `work`, which may note methods; afterwards the thread is where it was.
pub(crate) fn within<R>(work: impl FnOnce() -> R) -> R {
    let _left = Entered(current());
    work()
}

/// What a thread was at before, and is again when this is dropped.
struct Entered(MethodNumber);

impl Drop for Entered {
    fn drop(&mut self) {
        leave_for(self.0);
    }
}

/// Does `work`, which may take its time: other tasks go on meanwhile.
pub(crate) fn aside<R>(work: impl FnOnce() -> R) -> R {
    let set = |is_aside| NOTE.try_with(|note| note.is_aside.swap(is_aside, Relaxed)).unwrap_or_default();
    let _back = Aside(set(true));
    return work();

    struct Aside(bool);

    impl Drop for Aside {
        fn drop(&mut self) {
            // As above.
            let _ = NOTE.try_with(|note| note.is_aside.store(self.0, Relaxed));
        }
    }
}

/// A thread at a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) thread: u64,
    pub(crate) method: MethodNumber,
    pub(crate) turn: u64,
}

/// Every thread of the process that is at a method, and holds up other tasks as long as it is.
pub(crate) fn running() -> Vec<Running> {
    let threads: Vec<Arc<Note>> = lock(&THREADS).iter().filter_map(Weak::upgrade).collect();
    let running = |note: &Arc<Note>| {
        let (method, turn) = (MethodNumber(note.method.load(Relaxed)), note.turn.load(Relaxed));
        let counts = method != MethodNumber::NONE && !note.is_aside.load(Relaxed);
        counts.then_some(Running { thread: note.thread, method, turn })
    };
    threads.iter().filter_map(running).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// What is noted of this method.
    fn seen(method: MethodNumber) -> Option<Running> {
        running().into_iter().find(|running| running.method == method)
    }

    #[test]
    fn a_thread_is_at_one_method_at_a_time_and_back_at_the_one_before() {
        let (outer, inner) = (MethodNumber::new(), MethodNumber::new());
        enter(outer);
        let first = seen(outer).unwrap();
        at(inner, || assert!(seen(inner).is_some() && seen(outer).is_none()));
        let second = seen(outer).unwrap();
        assert!(first.thread == second.thread && first.turn != second.turn);
        leave();
        enter(outer);
        assert_ne!(seen(outer).unwrap().turn, second.turn, "another call of the same method");
        aside(|| assert_eq!(seen(outer), None));
        assert!(seen(outer).is_some());
        leave();
        assert_eq!(seen(outer), None);
    }

    #[test]
    fn threads_that_have_ended_are_forgotten() {
        let method = MethodNumber::new();
        thread::spawn(move || {
            enter(method);
            assert!(seen(method).is_some());
        })
        .join()
        .unwrap();
        assert_eq!(seen(method), None);
    }
}
