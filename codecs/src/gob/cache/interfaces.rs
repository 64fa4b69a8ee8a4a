//! Whether values of a type may hold interfaces, so that a type is not searched for them with each value.
//!
//! Such a value has to be walked over to find its end, as definitions may stand inside it; all others end where their
//! message does. Valid for good if an interface was found, or if all parts of the type were defined; else until the
//! next definition, which may be that of a missing part.

/// The answer for one type, and how many types there were when it was found; [`FINAL`] if no other type can change it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::gob) struct HoldsInterface {
    found: bool,
    types: u16,
}

/// More types than there can be.
const FINAL: u16 = u16::MAX;

impl HoldsInterface {
    /// What was found among so many types.
    pub(in crate::gob) fn new(found: bool, is_final: bool, types: usize) -> Self {
        // Far below 2^16, see the limits of the table.
        Self { found, types: if is_final { FINAL } else { types as u16 } }
    }

    /// The answer, if it holds among so many types.
    #[inline]
    pub(in crate::gob) fn among(self, types: usize) -> Option<bool> {
        let Self { found, types: then } = self;
        (found || then == FINAL || usize::from(then) == types).then_some(found)
    }
}
