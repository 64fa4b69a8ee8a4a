//! How the values of each method were last written, where only they themselves show their types.
//!
//! One per direction of a connection; as many entries as it has methods. Knows nothing of messages.

use crate::gob::{
    ser::{Shape, Structs},
    types::Id,
};
use std::collections::HashMap;

/// What the values of one method have shown, and its type.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gob) struct ObservedType {
    pub(in crate::gob) shape: Shape,
    pub(in crate::gob) structs: Structs,
    pub(in crate::gob) id: Id,
}

/// More methods than these are found by a hash.
const FEW: usize = 8;

/// By method.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::gob) struct ObservedTypes {
    types: Vec<(Box<[u8]>, ObservedType)>,
    /// The places of all, once there are more than a few.
    places: HashMap<Box<[u8]>, usize>,
}

impl ObservedTypes {
    /// Whether there are few.
    pub(in crate::gob) fn is_small(&self) -> bool {
        self.types.len() <= FEW
    }

    /// What is known at a place, if that is the method's.
    #[inline]
    pub(in crate::gob) fn at(&self, place: usize, method: &[u8]) -> Option<&ObservedType> {
        let (name, observed) = self.types.get(place)?;
        (**name == *method).then_some(observed)
    }

    /// The place of a method.
    pub(in crate::gob) fn place(&self, method: &[u8]) -> Option<usize> {
        if self.types.len() > FEW {
            return self.places.get(method).copied();
        }
        self.types.iter().position(|(name, _)| **name == *method)
    }

    /// Keeps what the values of a method have shown.
    pub(in crate::gob) fn insert(&mut self, method: &[u8], observed: ObservedType) {
        if let Some((_, known)) = self.place(method).and_then(|place| self.types.get_mut(place)) {
            *known = observed;
            return;
        }
        if self.types.is_empty() {
            // Many connections call one method, and no other.
            self.types.reserve_exact(1);
        }
        self.types.push((method.into(), observed));
        if self.types.len() > FEW {
            let known = self.places.len();
            self.places.extend(self.types.iter().map(|(name, _)| name.clone()).zip(0..).skip(known));
        }
    }
}
