//! The last calls that took long.

use crate::{
    lock::lock,
    peer::{Peer, PeerAddr},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// Calls kept.
const KEPT: usize = 128;
/// Bytes of an error's code that are kept.
const CODE: usize = 64;

/// The last slow calls of a server.
#[derive(Debug)]
pub(crate) struct SlowCalls {
    nanos: AtomicU64,
    /// So far.
    count: AtomicU64,
    last: Mutex<VecDeque<SlowCall>>,
}

/// One call that took long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlowCall {
    /// Counts them from 0 on.
    pub(crate) number: u64,
    /// When it ended.
    pub(crate) at: SystemTime,
    /// Its full name.
    pub(crate) method: Arc<str>,
    /// The number of its connection; 0 for the program's own calls.
    pub(crate) connection: u64,
    pub(crate) peer: PeerAddr,
    pub(crate) protocol: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) duration: Duration,
    /// Of its request.
    pub(crate) bytes_in: usize,
    /// The code of the error it was answered with.
    pub(crate) error: Option<String>,
}

impl SlowCalls {
    /// Keeps calls that take `limit` or longer.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        let slow = Self { nanos: AtomicU64::new(0), count: AtomicU64::new(0), last: Mutex::default() };
        slow.set_limit(limit);
        slow
    }

    /// From now on keeps calls that take `limit` or longer, or none.
    pub(crate) fn set_limit(&self, limit: Option<Duration>) {
        let nanos = limit.map_or(u64::MAX, |limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        self.nanos.store(nanos, Relaxed);
    }

    /// How many nanoseconds make a call slow.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        self.nanos.load(Relaxed)
    }

    /// Keeps a call.
    #[cold]
    pub(crate) fn add(
        &self,
        method: &Arc<str>,
        peer: &Peer,
        duration: Duration,
        bytes_in: usize,
        error: Option<&str>,
    ) {
        let call = SlowCall {
            number: self.count.fetch_add(1, Relaxed),
            at: SystemTime::now(),
            method: method.clone(),
            connection: peer.connection,
            peer: peer.addr.clone(),
            protocol: peer.protocol,
            user: peer.user().map(str::to_owned),
            duration,
            bytes_in,
            error: error.map(|code| shortened(code).to_owned()),
        };
        let mut last = lock(&self.last);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(call);
    }

    /// Forgets all so far.
    #[cfg(feature = "resp")]
    pub(crate) fn forget(&self) {
        lock(&self.last).clear();
    }

    /// The last `most`, the latest first.
    pub(crate) fn list(&self, most: usize) -> Vec<SlowCall> {
        lock(&self.last).iter().rev().take(most).cloned().collect()
    }
}

/// As much of a handler's own code as is kept.
pub(crate) fn shortened(code: &str) -> &str {
    let end = (0..=CODE.min(code.len())).rev().find(|&end| code.is_char_boundary(end));
    &code[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_calls_are_kept_the_latest_first() {
        let slow = SlowCalls::new(Some(Duration::from_secs(1)));
        assert_eq!(slow.nanos(), 1_000_000_000);
        let (method, peer) = (Arc::<str>::from("A.B"), Peer::for_test());
        for n in 0..=KEPT {
            slow.add(&method, &peer, Duration::from_secs(n as u64), n, Some(&"é".repeat(n)));
        }
        let listed = slow.list(1000);
        assert_eq!((listed.len(), listed[0].bytes_in, listed[KEPT - 1].bytes_in), (KEPT, KEPT, 1));
        assert_eq!(listed[0].error.as_deref(), Some(&*"é".repeat(CODE / 2)));
        assert_eq!(slow.list(2).len(), 2);
        slow.set_limit(None);
        assert_eq!(slow.nanos(), u64::MAX);
        slow.set_limit(Some(Duration::MAX));
        assert_eq!(slow.nanos(), u64::MAX);
    }
}
