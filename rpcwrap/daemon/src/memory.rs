//! Memory that closed connections have left behind goes back to the system.
//!
//! What ten thousand connections used is free once they have closed, but lies between what stays, and glibc's `free`
//! gives back only what lies at the end of its heap: the program would stay four times as large as it was. Once a
//! second this looks at how many connections are open, beside the server's run and ended with it; after a great fall it
//! has glibc give back every free page. It knows one number: neither what a connection is nor who has closed it.

use rpcwrap::Server;
use std::{convert::Infallible, thread, time::Duration};

const EVERY: Duration = Duration::from_secs(1);

/// Fewer connections, at about 2 KiB each, are not worth the walk over all free memory.
const LEAST_FALL: usize = 500;

/// Lets glibc keep one heap for each thread that does I/O, and none for those beside them: each reserves 64 MiB of
/// addresses, and what large messages leave in it is not given back. To be called before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "nothing safe reaches mallopt, and its variable would have to be set from outside"
)]
pub(crate) fn bound_heaps() {
    let heaps = thread::available_parallelism().map_or(1, usize::from).saturating_add(1);
    let heaps = i32::try_from(heaps).unwrap_or(i32::MAX);
    // SAFETY: it sets a number of the allocator, which is this program's own, while there is one thread.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
}

/// Other C libraries have their own way.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound_heaps() {}

/// Looks and gives back, for ever.
pub(crate) async fn give_back(server: &Server) -> Infallible {
    let mut watermark = Watermark::default();
    loop {
        tokio::time::sleep(EVERY).await;
        if watermark.is_left(server.open_connections()) {
            // It takes milliseconds, in which connections are to be served. It cannot panic.
            let _ = tokio::task::spawn_blocking(trim).await;
            tracing::debug!("free memory given back");
        }
    }
}

/// The most connections that were seen open since memory was given back last.
#[derive(Debug, Default)]
struct Watermark {
    peak: usize,
    /// The fall was seen at the look before: closes that were in progress then have ended.
    fallen: bool,
}

impl Watermark {
    /// Takes the number of connections open now; whether it is time to give back, after which it starts anew from here.
    fn is_left(&mut self, open: usize) -> bool {
        if self.fallen {
            *self = Self { peak: open, fallen: false };
            return true;
        }
        self.peak = self.peak.max(open);
        let fall = self.peak - open;
        self.fallen = fall >= LEAST_FALL && fall >= open;
        false
    }
}

/// Gives every free page of the heap back to the system; each of glibc's arenas is locked while it is walked.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "nothing safe reaches malloc_trim, and no setting of glibc's does the same")]
fn trim() {
    // SAFETY: it has no preconditions and may be called by any thread at any time (malloc_trim(3): MT-Safe). It leaves
    // what is allocated where it is, and this program has no allocator but the system's.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries have their own way.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_one_look_after_a_great_fall() {
        // The numbers seen, and at which of them memory is given back.
        let cases: &[(&[usize], &[usize])] = &[
            (&[0, 0, 0, 0], &[]),
            (&[10_000, 10_000, 0, 0, 0, 0], &[3]),
            // Closes go on while it waits.
            (&[10_000, 4_000, 0, 0, 0], &[2]),
            // New ones come while it waits: they count from there on.
            (&[10_000, 0, 2_000, 1_500, 1_000, 1_000], &[2, 5]),
            // By half, and by 500.
            (&[1_000, 501, 501, 500, 500, 500], &[4]),
            (&[499, 0, 0, 0], &[]),
            (&[500, 0, 0, 0], &[2]),
            (&[10_000, 5_001, 5_001, 5_001], &[]),
            // The peak is the highest, not the last but one.
            (&[3_000, 2_500, 2_000, 1_500, 1_400, 1_400], &[4]),
            // Slowly: once for each half.
            (&[4_000, 3_000, 2_000, 2_000, 1_000, 1_000, 500, 500], &[3, 5, 7]),
            // Up and down: once for each peak.
            (&[1_000, 0, 0, 1_000, 0, 0, 0], &[2, 5]),
        ];
        for (seen, expected) in cases {
            let mut watermark = Watermark::default();
            let given_back: Vec<usize> = (0..seen.len()).filter(|&n| watermark.is_left(seen[n])).collect();
            assert_eq!(given_back, *expected, "{seen:?}");
        }
    }
}
