//! Wrong logins in the log: one line a second, whatever their number.

use crate::lock::lock;
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    net::IpAddr,
    sync::Mutex,
};

/// Addresses told apart between two lines; the wrong logins of further ones are counted all the same.
const ADDRESSES: usize = 4096;
/// Addresses a line names.
const NAMED: usize = 3;

/// The wrong logins since the last line about them.
#[derive(Debug, Default)]
pub(crate) struct FailureLog(Mutex<Option<FailedLogins>>);

/// Some wrong logins.
#[derive(Debug, Default)]
pub(crate) struct FailedLogins {
    pub(crate) count: u64,
    by_address: HashMap<Option<IpAddr>, u64>,
}

impl FailureLog {
    /// Counts a wrong login from an address, or from a peer that has none; whether the log is to be told of this one,
    /// and of those that come after it by [`next`](Self::next), a second later.
    pub(crate) fn add(&self, from: Option<IpAddr>) -> bool {
        let mut waiting = lock(&self.0);
        match &mut *waiting {
            Some(failed) => {
                failed.add(from);
                false
            }
            None => {
                *waiting = Some(FailedLogins::default());
                true
            }
        }
    }

    /// Those since it was asked last. Without any the next one is told at once again.
    pub(crate) fn next(&self) -> Option<FailedLogins> {
        let mut waiting = lock(&self.0);
        let failed = waiting.take().filter(|failed| failed.count > 0)?;
        *waiting = Some(FailedLogins::default());
        Some(failed)
    }
}

impl FailedLogins {
    fn add(&mut self, from: Option<IpAddr>) {
        self.count += 1;
        let has_room = self.by_address.len() < ADDRESSES;
        match self.by_address.entry(from) {
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(place) if has_room => _ = place.insert(1),
            Entry::Vacant(_) => {}
        }
    }

    /// The number of their addresses, as far as they are told apart.
    pub(crate) fn addresses(&self) -> usize {
        self.by_address.len()
    }
}

/// The addresses with most of them, each with its number.
impl fmt::Display for FailedLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut most: Vec<_> = self.by_address.iter().map(|(addr, count)| (*count, *addr)).collect();
        most.sort_by(|one, other| other.cmp(one));
        for (at, (count, addr)) in most.into_iter().take(NAMED).enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            match addr {
                Some(addr) => write!(f, "{separator}{addr}: {count}")?,
                None => write!(f, "{separator}local: {count}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(n: usize) -> Option<IpAddr> {
        format!("10.1.{}.{}", n / 256, n % 256).parse().ok()
    }

    #[test]
    fn the_first_is_told_and_the_rest_together() {
        let log = FailureLog::default();
        assert!(log.next().is_none());
        assert!(log.add(addr(1)));
        for from in [addr(2), None, addr(2), addr(3), None, addr(2), addr(1)] {
            assert!(!log.add(from));
        }
        let failed = log.next().unwrap();
        assert_eq!((failed.count, failed.addresses()), (7, 4));
        assert_eq!(failed.to_string(), "10.1.0.2: 3, local: 2, 10.1.0.3: 1");
        assert!(!log.add(addr(1)));
        assert_eq!(log.next().unwrap().to_string(), "10.1.0.1: 1");
        // A second without any: the next is the first again.
        assert!(log.next().is_none() && log.add(addr(1)));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let log = FailureLog::default();
        (0..2 * ADDRESSES + 1).for_each(|n| _ = log.add(addr(n)));
        let failed = log.next().unwrap();
        assert_eq!((failed.count, failed.addresses()), (2 * ADDRESSES as u64, ADDRESSES));
    }
}
