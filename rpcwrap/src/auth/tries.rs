//! How many wrong logins a connection has made: after the third it is closed.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Wrong logins of one connection.
const MOST: u8 = 3;

/// The wrong logins of one connection so far.
#[derive(Debug, Default)]
pub(crate) struct Tries(AtomicU8);

impl Tries {
    /// Counts a wrong login.
    pub(super) fn count_wrong(&self) {
        // Many logins of one connection may be under way at a time: it must not come round to 0.
        let more = |wrong: u8| Some(wrong.saturating_add(1));
        let _ = self.0.fetch_update(Relaxed, Relaxed, more);
    }

    /// Whether the connection is to be closed for them.
    pub(crate) fn are_used_up(&self) -> bool {
        self.0.load(Relaxed) >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_are_enough() {
        let tries = Tries::default();
        for used_up in [false, false, true, true] {
            tries.count_wrong();
            assert_eq!(tries.are_used_up(), used_up);
        }
        (0..300).for_each(|_| tries.count_wrong());
        assert!(tries.are_used_up());
    }
}
