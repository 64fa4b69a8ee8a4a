//! Which format the values being read or written on this thread are in, where serde does not say it.
//!
//! serde keeps what it cannot place yet (flattened fields, untagged and tagged enums) and hands it on from there,
//! saying that all of it is text. Types that look different in text and in binary formats ask here what it was.
//! Knows no format from the inside.

use std::cell::Cell;

/// A format, as far as values look different in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON, and all that is not ours: what serde says of it holds.
    Said,
    Bson,
    Gob,
    Msgpack,
    /// Readable for people, but for bytes and times, which are as binary formats have them.
    Resp,
}

thread_local! {
    static FORM: Cell<Form> = const { Cell::new(Form::Said) };
}

/// While it lives, values are in its form.
#[derive(Debug)]
pub(crate) struct FormScope {
    before: Form,
}

impl FormScope {
    #[inline]
    pub(crate) fn enter(form: Form) -> Self {
        Self { before: FORM.replace(form) }
    }
}

impl Drop for FormScope {
    #[inline]
    fn drop(&mut self) {
        FORM.set(self.before);
    }
}

/// The form of values that a serializer or deserializer calls readable for people.
#[inline]
pub(crate) fn current() -> Form {
    FORM.get()
}

/// Whether values are text, as far as `is_human_readable` of a serializer or deserializer is to be believed.
#[inline]
pub(crate) fn is_text(is_human_readable: bool) -> bool {
    is_human_readable && current() == Form::Said
}
