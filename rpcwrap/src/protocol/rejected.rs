//! Connections that no protocol took: the last few are kept for `/protocols`, and the log is told of one in a second.

use crate::{
    lock::lock,
    pages::rejected_info::{FailedOpening, OpeningFailure},
    peer::PeerAddr,
};
use codecs::LogText;
use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

/// Failures kept.
const KEPT: usize = 32;
/// Bytes of each that are kept.
const HEAD: usize = 16;
/// One line of log in this time; the next one says how many were left out.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// The last failures of a server.
#[derive(Debug, Default)]
pub(crate) struct FailedOpenings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: VecDeque<FailedOpening>,
    logged: Option<Instant>,
    unlogged: u64,
}

impl FailedOpenings {
    /// Keeps a failure, and logs it unless one was logged just now.
    pub(crate) fn add(&self, why: OpeningFailure, peer: &PeerAddr, head: &[u8], detail: &str) {
        let head = head.get(..HEAD).unwrap_or(head).to_vec();
        let detail = detail.to_owned();
        let failure = FailedOpening { at: SystemTime::now(), peer: peer.clone(), why, head, detail };
        let (hex, text) = (failure.hex(), failure.text());
        if let Some(unlogged) = lock(&self.0).push(failure, Instant::now()) {
            tracing::info!(%peer, head = hex, unlogged, "{:#}", LogText::new(text));
        }
    }

    /// The oldest first.
    pub(crate) fn list(&self) -> Vec<FailedOpening> {
        lock(&self.0).last.iter().cloned().collect()
    }
}

impl Kept {
    /// How many were not logged since the last that was, if this one is to be.
    fn push(&mut self, failure: FailedOpening, now: Instant) -> Option<u64> {
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(failure);
        if self.logged.is_some_and(|logged| now.saturating_duration_since(logged) < LOG_EVERY) {
            self.unlogged += 1;
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_and_one_in_a_second_is_logged() {
        let (mut kept, start) = (Kept::default(), Instant::now());
        let failure = |n: u8| FailedOpening {
            at: SystemTime::UNIX_EPOCH,
            peer: PeerAddr::InProcess,
            why: OpeningFailure::Unknown,
            head: vec![n, 0xff],
            detail: String::new(),
        };
        let logged: Vec<_> = (0..40).map(|n| kept.push(failure(n), start)).collect();
        assert_eq!(logged[0], Some(0));
        assert!(logged[1..].iter().all(Option::is_none));
        assert_eq!(kept.push(failure(40), start + LOG_EVERY), Some(39));
        assert_eq!(
            (kept.last.len(), kept.last[0].hex().as_str(), kept.last[KEPT - 1].hex().as_str()),
            (32, "09ff", "28ff")
        );
    }

    #[test]
    fn sixteen_bytes_are_kept() {
        let failed = FailedOpenings::default();
        failed.add(OpeningFailure::TooLong, &PeerAddr::InProcess, &[7; 9000], "");
        assert_eq!(failed.list()[0].hex(), "07".repeat(16));
    }
}
