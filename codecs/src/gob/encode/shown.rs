//! How the values of each method were last written, where only they themselves show their types.
//!
//! One per direction of a connection; as many entries as it has methods. Knows nothing of messages.

use crate::gob::{
    ser::{Shape, Structs},
    types::Id,
};
use std::collections::HashMap;

/// What the values of one method have shown, and its type.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) shape: Shape,
    pub(super) structs: Structs,
    pub(super) id: Id,
}

/// More methods than these are found by a hash.
const FEW: usize = 8;

/// By method.
#[derive(Debug, Default)]
pub(super) struct ShownTypes {
    types: Vec<(Box<[u8]>, Shown)>,
    /// The place used last: most calls are of the same method as the one before.
    last: usize,
    /// The places of all, once there are more than a few.
    places: HashMap<Box<[u8]>, usize>,
}

impl ShownTypes {
    /// The type of the method's values if it is the method asked for last.
    #[inline]
    pub(super) fn again(&self, method: &[u8]) -> Option<Id> {
        let (name, shown) = self.types.get(self.last)?;
        (**name == *method).then_some(shown.id)
    }

    pub(super) fn get(&mut self, method: &[u8]) -> Option<&Shown> {
        self.last = self.place(method)?;
        self.types.get(self.last).map(|(_, shown)| shown)
    }

    pub(super) fn insert(&mut self, method: &[u8], shown: Shown) {
        if let Some((_, known)) = self.place(method).and_then(|place| self.types.get_mut(place)) {
            *known = shown;
            return;
        }
        self.last = self.types.len();
        if self.types.is_empty() {
            // Many connections call one method, and no other.
            self.types.reserve_exact(1);
        }
        self.types.push((method.into(), shown));
        if self.types.len() > FEW {
            let known = self.places.len();
            self.places.extend(self.types.iter().map(|(name, _)| name.clone()).zip(0..).skip(known));
        }
    }

    fn place(&self, method: &[u8]) -> Option<usize> {
        if self.types.len() > FEW {
            return self.places.get(method).copied();
        }
        self.types.iter().position(|(name, _)| **name == *method)
    }
}
