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

/// By method.
#[derive(Debug, Default)]
pub(super) struct ShownTypes {
    types: Vec<(Box<[u8]>, Shown)>,
    places: HashMap<Box<[u8]>, usize>,
    /// The place used last: most calls are of the same method as the one before, and need no hash.
    last: usize,
}

impl ShownTypes {
    /// The type of the method's values if it is the method asked for last.
    #[inline]
    pub(super) fn again(&self, method: &[u8]) -> Option<Id> {
        let (name, shown) = self.types.get(self.last)?;
        (**name == *method).then_some(shown.id)
    }

    pub(super) fn get(&mut self, method: &[u8]) -> Option<&Shown> {
        self.last = *self.places.get(method)?;
        self.types.get(self.last).map(|(_, shown)| shown)
    }

    pub(super) fn insert(&mut self, method: &[u8], shown: Shown) {
        match self.places.get(method).and_then(|&place| self.types.get_mut(place)) {
            Some((_, known)) => *known = shown,
            None => {
                self.last = self.types.len();
                self.places.insert(method.into(), self.last);
                self.types.push((method.into(), shown));
            }
        }
    }
}
