//! Errors that serde keeps for itself: what does not fit a flattened `Option` is `None` to it, and a variant of an untagged
//! enum that does not fit gives way to the next.
//!
//! They are noted where they are made, which is as cold as they are, and asked for only when a value has been read of
//! which serde has kept a part.

use std::cell::RefCell;

/// More of them say nothing new: each is of a field of a struct in the type that is read.
const MAX: usize = 64;

/// Such an error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Swallowed {
    /// A struct lacks a member that has no default.
    Missing(&'static str),
    /// A struct has a member twice.
    Repeated(&'static str),
}

thread_local! {
    static SAID: RefCell<Vec<Swallowed>> = const { RefCell::new(Vec::new()) };
}

/// Notes an error that is being made.
#[cold]
pub(crate) fn note(error: Swallowed) {
    SAID.with_borrow_mut(|said| {
        if said.len() < MAX && !said.contains(&error) {
            said.push(error);
        }
    });
}

/// Forgets the errors before the first that may count.
#[cold]
pub(super) fn forget() {
    SAID.with_borrow_mut(Vec::clear);
}

/// The errors since.
pub(super) fn take() -> Vec<Swallowed> {
    SAID.take()
}
