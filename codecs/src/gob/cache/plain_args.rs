//! The type of the arguments of the last request, so that a request like the one before is not looked up in the table.
//!
//! Valid until the next definition, which may give the type an interface: the decoder forgets it with every request
//! that it reads the long way, and definitions come with no others.

use crate::gob::types::{Id, Types};

/// A type without interfaces, as far as has been defined.
#[derive(Debug, Default)]
pub(in crate::gob) struct PlainArgs(Id);

impl PlainArgs {
    /// Whether values of type `id` are known to hold no interface.
    #[inline]
    pub(in crate::gob) fn are(&mut self, id: Id, types: &Types) -> bool {
        if id != self.0 {
            if types.knows_interface(id) != Some(false) {
                return false;
            }
            self.0 = id;
        }
        true
    }

    /// A definition may have come.
    #[inline]
    pub(in crate::gob) fn forget(&mut self) {
        self.0 = Id::NONE;
    }
}
