//! Tables that many connections have alike, kept once.
//!
//! Clients of one program define the same types in the same order, and get the same replies. Without this each of their
//! connections would keep some kilobytes of its own, and a call would find them in no cache. A saving and nothing else:
//! a table that is not shared works as well. A connection that changes a shared table copies it first
//! ([`Arc::make_mut`]).

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Different tables that are known at one time. Another takes the place of the one that the fewest connections have: a
/// peer that makes up tables gets in the way of others like it, not of those that many peers share.
const MAX_KNOWN: usize = 64;

/// The tables of one kind that connections share.
#[derive(Debug)]
pub(in crate::gob) struct Shared<T> {
    /// None is kept alive by being known.
    known: Mutex<Vec<Weak<T>>>,
}

impl<T: PartialEq> Shared<T> {
    pub(in crate::gob) const fn new() -> Self {
        Self { known: Mutex::new(Vec::new()) }
    }

    /// Puts the table that is known in the place of one that is equal to it; one that is new is known from now on.
    #[cold]
    pub(in crate::gob) fn share(&self, own: &mut Arc<T>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().filter_map(Weak::upgrade).find(|other| other == own) {
            *own = same;
            return;
        }
        if known.len() == MAX_KNOWN {
            known.retain(|other| other.strong_count() > 0);
        }
        if known.len() == MAX_KNOWN {
            // The oldest among equals: new ones have had no time to be shared.
            let places = known.iter().enumerate();
            if let Some((least, _)) = places.min_by_key(|(_, other)| other.strong_count()) {
                known.remove(least);
            }
        }
        known.push(Arc::downgrade(own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tables_become_one() {
        let shared = Shared::new();
        let mut tables = [vec![1, 2], vec![3], vec![1, 2]].map(Arc::new);
        tables.iter_mut().for_each(|table| shared.share(table));
        let [one, other, same] = &tables;
        assert!(Arc::ptr_eq(one, same));
        assert_eq!([&**one, &**other], [&vec![1, 2], &vec![3]]);
    }

    #[test]
    fn a_table_that_changes_is_its_own_again() {
        let shared = Shared::new();
        let (mut one, mut same) = (Arc::new(vec![1]), Arc::new(vec![1]));
        shared.share(&mut one);
        shared.share(&mut same);
        Arc::make_mut(&mut same).push(2);
        assert_eq!((&*one, &*same), (&vec![1], &vec![1, 2]));
        shared.share(&mut same);
        let mut again = Arc::new(vec![1]);
        shared.share(&mut again);
        assert!(Arc::ptr_eq(&one, &again));
    }

    #[test]
    fn no_more_than_so_many_are_known() {
        let shared = Shared::new();
        let mut tables = (0..MAX_KNOWN + 10).map(Arc::new).collect::<Vec<_>>();
        tables.iter_mut().for_each(|table| shared.share(table));
        assert_eq!(shared.known.lock().unwrap().len(), MAX_KNOWN);
        let mut newest = Arc::new(MAX_KNOWN + 9);
        shared.share(&mut newest);
        assert!(Arc::ptr_eq(&tables[MAX_KNOWN + 9], &newest));
        // Those that no connection has any more make room.
        tables.truncate(11);
        drop(newest);
        shared.share(&mut Arc::new(MAX_KNOWN + 10));
        assert!(shared.known.lock().unwrap().len() <= 2);
    }

    #[test]
    fn a_peer_that_makes_up_tables_takes_no_place_of_one_that_many_have() {
        let shared = Shared::new();
        let mut honest = [Arc::new(0), Arc::new(0)];
        honest.iter_mut().for_each(|table| shared.share(table));
        let mut made_up = (1..1000).map(Arc::new).collect::<Vec<_>>();
        made_up.iter_mut().for_each(|table| shared.share(table));
        let mut next = Arc::new(0);
        shared.share(&mut next);
        assert!(Arc::ptr_eq(&honest[0], &next));
        // One that comes when all places are taken is shared by the next that has it.
        let mut late = [Arc::new(5000), Arc::new(5000)];
        late.iter_mut().for_each(|table| shared.share(table));
        assert!(Arc::ptr_eq(&late[0], &late[1]));
    }
}
