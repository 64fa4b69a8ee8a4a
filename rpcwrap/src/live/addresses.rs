//! The open connections by their addresses: which address has most of them, and which of these has been idle for
//! longest.

use crate::peer::{Address, load::AddressLoad};
use foldhash::fast::FixedState;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Connections that are looked at for one that can give way: what has moved since it was last looked at goes to its
/// new place, so that a few looks find the one that is idle for longest, and a newcomer costs no more than these.
const LOOKS: usize = 32;

/// All addresses with connections.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    all: HashMap<Address, FromAddress, FixedState>,
    /// By how many connections they have.
    by_count: BTreeSet<(usize, Address)>,
}

/// What the open connections of one address have together.
#[derive(Debug, Default)]
struct FromAddress {
    /// When each has moved when it was last looked at, and its number.
    connections: BTreeSet<(u64, u64)>,
    load: Arc<AddressLoad>,
}

impl Addresses {
    /// Connections of one address.
    pub(super) fn count(&self, address: &Address) -> usize {
        self.all.get(address).map_or(0, |from| from.connections.len())
    }

    /// One more connection, by when it has moved and its number; the waiting calls of its address.
    pub(super) fn enter(&mut self, address: Address, connection: (u64, u64)) -> Arc<AddressLoad> {
        let from = self.all.entry(address.clone()).or_default();
        let load = from.load.clone();
        let before = from.connections.len();
        from.connections.insert(connection);
        self.recount(address, before, before + 1);
        load
    }

    /// One less.
    pub(super) fn leave(&mut self, address: Address, connection: (u64, u64)) {
        let Some(from) = self.all.get_mut(&address) else { return };
        let before = from.connections.len();
        from.connections.remove(&connection);
        let after = from.connections.len();
        if after == 0 {
            self.all.remove(&address);
        }
        self.recount(address, before, after);
    }

    fn recount(&mut self, address: Address, before: usize, after: usize) {
        let mut row = (before, address);
        self.by_count.remove(&row);
        if after > 0 {
            row.0 = after;
            self.by_count.insert(row);
        }
    }

    /// The connection that is to give way to one from `newcomer`: of the address with most connections, if that is
    /// another with more than `newcomer` has, the one that is idle for longest. `look` says of a connection when it has
    /// moved, and whether it is idle.
    pub(super) fn gives_way(
        &mut self,
        newcomer: &Address,
        mut look: impl FnMut(u64) -> (u64, bool),
    ) -> Option<u64> {
        let (most, address) = self.by_count.last()?;
        if address == newcomer || *most <= self.count(newcomer) {
            return None;
        }
        let connections = &mut self.all.get_mut(address)?.connections;
        for _ in 0..LOOKS {
            let (seen, id) = *connections.first()?;
            let (moved, is_idle) = look(id);
            if is_idle && moved == seen {
                return Some(id);
            }
            connections.remove(&(seen, id));
            connections.insert((moved, id));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerAddr;

    fn address(last: u8) -> Address {
        PeerAddr::Tcp(([10, 0, 0, last], 1).into()).address()
    }

    fn four_and_two() -> Addresses {
        let mut addresses = Addresses::default();
        for id in 1..=4 {
            addresses.enter(address(1), (10, id));
        }
        for id in 5..=6 {
            addresses.enter(address(2), (1, id));
        }
        addresses
    }

    #[test]
    fn the_longest_idle_of_the_address_with_most_gives_way() {
        let mut addresses = four_and_two();
        // 1 and 2 have moved since, 3 is at work.
        let look = |id: u64| match id {
            1 => (30, true),
            2 => (20, true),
            3 => (40, false),
            _ => (10, true),
        };
        let mut gone = Vec::new();
        while let Some(id) = addresses.gives_way(&address(3), look) {
            let (moved, _) = look(id);
            let from = if id < 5 { address(1) } else { address(2) };
            addresses.leave(from, (if id < 5 { moved } else { 1 }, id));
            gone.push(id);
            if gone.len() == 3 {
                break;
            }
        }
        assert_eq!(gone[..2], [4, 2]);
    }

    #[test]
    fn nothing_gives_way_to_an_address_that_has_as_many() {
        let mut addresses = four_and_two();
        let idle = |_| (10, true);
        assert_eq!(addresses.gives_way(&address(1), idle), None);
        assert!(addresses.gives_way(&address(2), idle).is_some());
        addresses.enter(address(2), (1, 7));
        addresses.enter(address(2), (1, 8));
        assert_eq!(addresses.gives_way(&address(2), idle), None);
    }

    #[test]
    fn what_is_at_work_never_gives_way_and_looks_are_bounded() {
        let mut addresses = Addresses::default();
        for id in 0..1000 {
            addresses.enter(address(1), (0, id));
        }
        let mut looks = 0;
        let busy = |_| {
            looks += 1;
            (7, false)
        };
        assert_eq!(addresses.gives_way(&address(2), busy), None);
        assert_eq!(looks, LOOKS);
    }

    #[test]
    fn counts_follow_connections() {
        let mut addresses = four_and_two();
        assert_eq!((addresses.count(&address(1)), addresses.count(&address(2))), (4, 2));
        for id in 1..=4 {
            addresses.leave(address(1), (10, id));
        }
        assert_eq!((addresses.count(&address(1)), addresses.all.len()), (0, 1));
        assert_eq!(addresses.by_count.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [2]);
    }
}
