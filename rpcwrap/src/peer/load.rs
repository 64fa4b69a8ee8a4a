//! Calls that wait, by connection and by address: who has many of them is refused first when calls run short.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// An address may have so many times as many waiting calls as there is room for: one alone comes to nine tenths of all,
/// and whatever others have, a tenth of the rest is still there for the next.
const SHARE: usize = 9;

/// Waiting calls of all connections from one address.
#[derive(Debug, Default)]
pub(crate) struct AddressLoad {
    waiting: AtomicUsize,
}

/// Waiting calls of one connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLoad {
    waiting: AtomicUsize,
    address: Arc<AddressLoad>,
}

impl ConnectionLoad {
    /// Of a connection from an address.
    pub(crate) fn new(address: Arc<AddressLoad>) -> Arc<Self> {
        Arc::new(Self { waiting: AtomicUsize::new(0), address })
    }

    /// Calls of the connection that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// One more call waits.
    pub(crate) fn enter(&self) {
        self.waiting.fetch_add(1, Relaxed);
        self.address.waiting.fetch_add(1, Relaxed);
    }

    /// One less.
    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Relaxed);
        self.address.waiting.fetch_sub(1, Relaxed);
    }

    /// Whether one more call may wait where calls run short and the server has room for `left`. A connection without
    /// waiting calls may always have one.
    pub(crate) fn may_enter(&self, left: usize) -> bool {
        let waiting = self.waiting();
        waiting == 0
            || waiting.saturating_add(self.address.waiting.load(Relaxed)) < left.saturating_mul(SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets each of these enter until none may, in turns; how many calls each has then.
    fn fill(max: usize, loads: &[&ConnectionLoad]) -> Vec<usize> {
        let total = || loads.iter().map(|load| load.waiting()).sum::<usize>();
        loop {
            let before = total();
            for load in loads {
                if load.may_enter(max.saturating_sub(total())) {
                    load.enter();
                }
            }
            if total() == before {
                return loads.iter().map(|load| load.waiting()).collect();
            }
        }
    }

    fn loads(addresses: usize, connections: usize) -> Vec<Arc<ConnectionLoad>> {
        let addresses = (0..addresses).map(|_| Arc::new(AddressLoad::default()));
        addresses.flat_map(|one| (0..connections).map(move |_| ConnectionLoad::new(one.clone()))).collect()
    }

    #[test]
    fn an_address_alone_comes_to_nine_tenths_and_leaves_a_share_to_the_next() {
        let greedy = loads(1, 40);
        let greedy: Vec<&ConnectionLoad> = greedy.iter().map(|load| &**load).collect();
        let taken: usize = fill(10_000, &greedy).iter().sum();
        assert!((8_900..=9_000).contains(&taken), "{taken}");
        let newcomer = loads(1, 1);
        let left = 10_000 - taken;
        let got = fill(left, &[&newcomer[0]])[0];
        assert!(got > left * 3 / 4, "{got} of {left}");
        // Each of these has far more, and may have no more.
        assert!(greedy.iter().all(|load| !load.may_enter(left - got)));
    }

    #[test]
    fn with_many_addresses_there_is_always_room_for_another_and_none_goes_beyond_the_limit() {
        let greedy = loads(20, 2);
        let greedy: Vec<&ConnectionLoad> = greedy.iter().map(|load| &**load).collect();
        let taken: usize = fill(10_000, &greedy).iter().sum();
        assert!((9_800..9_990).contains(&taken), "{taken}");
        let newcomer = &loads(1, 1)[0];
        assert!(fill(10_000 - taken, &[newcomer])[0] >= 10);
    }

    #[test]
    fn the_connection_with_more_waiting_calls_is_refused_first() {
        let both = loads(1, 2);
        (0..30).for_each(|_| both[0].enter());
        (0..2).for_each(|_| both[1].enter());
        assert!(!both[0].may_enter(5) && both[1].may_enter(5));
    }

    #[test]
    fn a_connection_without_waiting_calls_may_always_start_one() {
        let all = loads(1, 2);
        (0..100).for_each(|_| all[0].enter());
        assert!(!all[0].may_enter(0) && all[1].may_enter(0));
        all[1].enter();
        assert!(!all[1].may_enter(0));
        all[1].leave();
        assert!(all[1].may_enter(0));
    }
}
