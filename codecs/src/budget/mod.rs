//! How much memory a peer's bytes may become.
//!
//! Decoding multiplies: one byte of a list may be an element of a hundred, with an allocation of its own. Each
//! deserializer has one [`DecodeBudget`] beside its cursor and takes from it before a value is made: an element or
//! entry what its place costs, a text or bytes their length. What lies inside a struct has been paid for with it. Knows
//! no format.

mod charged;

pub(crate) use charged::Charged;

use crate::{
    error::ValueError,
    form::{Form, FormScope},
};
use std::cell::{Cell, OnceCell};

/// What a message may become for each of its bytes, beside what it may whatever its length. Lists of small numbers grow
/// by this much.
const PER_BYTE: usize = 8;

/// What an allocator keeps beside an allocation.
const ALLOCATION: usize = 16;

/// serde keeps values whose type it does not know yet (untagged and internally tagged enums, flattened structs) as
/// elements of this many bytes, and makes the real ones of them afterwards.
const CONTENT: usize = 32;

/// Places a `Vec` of small elements has at least.
const LIST_PLACES: usize = 4;
/// Elements of more bytes than these get one place at first. Source: the standard library's `RawVec`.
const SMALL_ELEMENT: usize = 1024;

/// Entries that are paid for at a time: a node of a `BTreeMap` has room for 11 from the first on.
const MAP_ENTRIES: usize = 5;

/// The memory that one value may still take.
#[derive(Debug)]
pub(crate) struct DecodeBudget {
    left: Cell<usize>,
    /// Of the value about to be read, the bytes that have been paid for with its place.
    paid: Cell<usize>,
    limit: usize,
    form: Form,
    /// From the first value on that serde may keep, to the end of all.
    kept: OnceCell<FormScope>,
}

impl DecodeBudget {
    /// For a message of `len` bytes: `max_decoded_bytes` and what its bytes may become, at most `total`.
    #[inline]
    pub(crate) fn new(len: usize, max_decoded_bytes: usize, total: usize) -> Self {
        let limit = max_decoded_bytes.saturating_add(len.saturating_mul(PER_BYTE)).min(total);
        let (left, paid, kept) = (Cell::new(limit), Cell::new(0), OnceCell::new());
        Self { left, paid, limit, form: Form::Said, kept }
    }

    /// The same budget, of a message in a binary format.
    #[inline]
    pub(crate) fn of_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// For bytes that no value is made of.
    #[inline]
    pub(crate) fn unlimited() -> Self {
        Self::new(0, usize::MAX, usize::MAX)
    }

    #[inline]
    pub(crate) fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.over()),
        }
    }

    /// Takes nothing more from now on: a type that goes on after an error gets another one.
    #[cold]
    fn over(&self) -> OverBudget {
        self.left.set(0);
        OverBudget(self.limit)
    }

    /// What has been taken so far.
    #[inline]
    pub(crate) fn taken(&self) -> usize {
        self.limit.wrapping_sub(self.left.get())
    }

    /// Whether it was too much, for errors that went through another crate's.
    pub(crate) fn spent(&self) -> Option<OverBudget> {
        (self.left.get() == 0).then_some(OverBudget(self.limit))
    }

    /// A text or bytes, which the target may keep.
    #[inline]
    pub(crate) fn bytes(&self, len: usize) -> Result<(), OverBudget> {
        if len == 0 { Ok(()) } else { self.take(len.saturating_add(ALLOCATION)) }
    }

    /// The next element of a list.
    #[inline]
    pub(crate) fn element<T>(&self, list: &mut ListRoom) -> Result<(), OverBudget> {
        self.paid.set(size_of::<T>());
        match list.left.checked_sub(size_of::<T>()) {
            Some(left) => {
                list.left = left;
                Ok(())
            }
            None => list.grow(size_of::<T>(), self),
        }
    }

    /// The next key, or the next value, of a map.
    #[inline]
    pub(crate) fn entry<T>(&self, half: &mut MapRoom) -> Result<(), OverBudget> {
        self.paid.set(size_of::<T>());
        // A hash table has at most 16 places for 7 entries, with a byte more each; a tree is denser.
        let place = const { (size_of::<T>() * 16 + 16) / 7 };
        match half.left.checked_sub(place) {
            Some(left) => half.left = left,
            None => {
                self.take(place.saturating_mul(MAP_ENTRIES).saturating_add(ALLOCATION))?;
                half.left = place.saturating_mul(MAP_ENTRIES - 1);
            }
        }
        Ok(())
    }

    /// A member of a struct or tuple, which lies inside it.
    #[inline]
    pub(crate) fn member<T>(&self) {
        self.paid.set(size_of::<T>());
    }

    /// A struct, list or other value with parts: one that is larger than its place has an allocation of its own.
    #[inline]
    pub(crate) fn compound<T>(&self) -> Result<(), OverBudget> {
        if size_of::<T>() <= self.paid.get() {
            return Ok(());
        }
        self.take(size_of::<T>().saturating_add(ALLOCATION))
    }

    /// A value that is asked for as one of any type, and what serde may make of it afterwards.
    #[inline]
    pub(crate) fn any<T>(&self) -> Result<(), OverBudget> {
        self.compound::<T>()?;
        self.paid.set(size_of::<T>());
        self.kept.get_or_init(|| FormScope::enter(self.form));
        self.take(CONTENT)
    }
}

/// The room of one list, which doubles as that of a `Vec` does.
#[derive(Debug, Default)]
pub(crate) struct ListRoom {
    left: usize,
    all: usize,
}

impl ListRoom {
    /// That of a target which asks for `expected` elements, and has them inside itself.
    #[inline]
    pub(crate) fn new(expected: usize) -> Self {
        if expected == 0 { Self::default() } else { Self { left: usize::MAX, all: 0 } }
    }

    #[cold]
    fn grow(&mut self, size: usize, budget: &DecodeBudget) -> Result<(), OverBudget> {
        let first = if size <= SMALL_ELEMENT { size * LIST_PLACES } else { size };
        let more = self.all.max(first);
        budget.take(if self.all == 0 { more.saturating_add(ALLOCATION) } else { more })?;
        self.all += more;
        self.left += more - size;
        Ok(())
    }
}

/// The room of one map's keys or of its values.
#[derive(Debug, Default)]
pub(crate) struct MapRoom {
    left: usize,
}

/// A value would take more memory than its bytes may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rpc: message decodes to more than {0} bytes")]
pub(crate) struct OverBudget(usize);

impl OverBudget {
    /// Of a budget of so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self(limit)
    }
}

impl From<OverBudget> for ValueError {
    #[cold]
    fn from(over: OverBudget) -> Self {
        Self::new(over.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};

    /// What was taken by `spend`.
    fn spent(spend: impl FnOnce(&DecodeBudget) -> Result<(), OverBudget>) -> usize {
        let budget = DecodeBudget::new(0, 1 << 30, usize::MAX);
        spend(&budget).unwrap();
        (1 << 30) - budget.left.get()
    }

    #[test]
    fn a_list_costs_what_its_vec_holds() {
        fn check<T: Clone + Default>(len: usize) {
            let mut vec = Vec::new();
            let taken = spent(|budget| {
                let mut room = ListRoom::new(0);
                (0..len).try_for_each(|_| {
                    vec.push(T::default());
                    budget.element::<T>(&mut room)
                })
            });
            let held = vec.capacity() * size_of::<T>();
            assert!((held..=held + ALLOCATION).contains(&taken), "{len}: {taken} for {held}");
        }
        for len in [1, 3, 4, 5, 100, 1000, 1025, 5000] {
            check::<u64>(len);
            check::<String>(len);
            check::<[[u64; 10]; 10]>(len);
        }
        assert_eq!(spent(|budget| budget.element::<()>(&mut ListRoom::new(0))), 0);
        assert_eq!(spent(|budget| budget.element::<u64>(&mut ListRoom::new(2))), 0, "inside its tuple");
    }

    #[test]
    fn a_map_costs_what_its_table_or_its_nodes_hold() {
        for len in (1..300).chain([500, 1000, 10_000]) {
            let taken = spent(|budget| {
                let (mut keys, mut values) = (MapRoom::default(), MapRoom::default());
                (0..len).try_for_each(|_| {
                    budget.entry::<u64>(&mut keys)?;
                    budget.entry::<[u64; 3]>(&mut values)
                })
            });
            let hashed = allocation_counter::measure(|| {
                let table: HashMap<u64, [u64; 3]> = (0..len).fold(HashMap::new(), |mut table, key| {
                    table.insert(key, [0; 3]);
                    table
                });
                std::mem::forget(table);
            });
            let sorted = allocation_counter::measure(|| {
                let tree: BTreeMap<u64, [u64; 3]> = (0..len).fold(BTreeMap::new(), |mut tree, key| {
                    tree.insert(key, [0; 3]);
                    tree
                });
                std::mem::forget(tree);
            });
            for held in [hashed.bytes_current, sorted.bytes_current] {
                assert!(taken as i64 >= held, "{len}: {taken} for {held}");
            }
        }
    }

    #[test]
    fn what_is_larger_than_its_place_is_paid_for() {
        let boxed = spent(|budget| {
            budget.member::<Option<Box<[u64; 10]>>>();
            budget.compound::<[u64; 10]>()
        });
        assert_eq!(boxed, 80 + ALLOCATION);
        let inside = spent(|budget| {
            budget.member::<[u64; 10]>();
            budget.compound::<[u64; 10]>()
        });
        assert_eq!(inside, 0);
    }

    #[test]
    fn nothing_is_left_after_too_much() {
        let budget = DecodeBudget::new(10, 20, usize::MAX);
        budget.take(90).unwrap();
        let over = budget.take(11).unwrap_err();
        assert_eq!(ValueError::from(over).text(), "rpc: message decodes to more than 100 bytes");
        assert_eq!(budget.take(1), Err(over));
        assert_eq!(budget.bytes(0), Ok(()));
    }

    #[test]
    fn a_long_message_may_not_become_more_than_the_total() {
        let budget = DecodeBudget::new(usize::MAX, usize::MAX, 30);
        assert!(budget.take(30).is_ok() && budget.take(1).is_err());
    }
}
