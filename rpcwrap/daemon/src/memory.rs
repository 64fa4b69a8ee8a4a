//! Memory that connections and large messages have left behind goes back to the system.
//!
//! What ten thousand connections used is free once they have closed, and what a message of 30 MB took once it is
//! answered, but either lies between what stays, and glibc's `free` gives back only what lies at the end of its heap: the
//! program would stay many times as large as it was. Once a second this looks at how many connections are open and at
//! how much memory the program has, beside the server's run and ended with it; after a great fall of the first or a great
//! rise of the second it has glibc give back every free page. It knows two numbers: neither what a connection is nor who
//! has closed it.

use rpcwrap::Server;
use std::{convert::Infallible, fs, thread, time::Duration};

const EVERY: Duration = Duration::from_secs(1);

/// Fewer connections, at about 2 KiB each, are not worth the walk over all free memory.
const LEAST_FALL: usize = 500;

/// A smaller rise in KiB is not worth it either.
const LEAST_RISE: u64 = 16 << 10;

/// From how many bytes on an allocation is one of the system's own, which takes it back as soon as it is freed.
const MAPPED: i32 = 1 << 20;

/// Lets glibc keep one heap for each core, and none for other threads: each reserves 64 MiB of addresses. Large messages
/// lie in none of them. To be called before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "nothing safe reaches mallopt, and its variables would have to be set from outside"
)]
pub(crate) fn bound_heaps() {
    let heaps = thread::available_parallelism().map_or(1, usize::from);
    let heaps = i32::try_from(heaps).unwrap_or(i32::MAX);
    // SAFETY: they set numbers of the allocator, which is this program's own, while there is one thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, heaps);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
    }
}

/// Other C libraries have their own way.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound_heaps() {}

/// Looks and gives back, for ever.
pub(crate) async fn give_back(server: &Server) -> Infallible {
    let (mut watermark, mut resident) = (Watermark::default(), Resident::new(resident_kib()));
    loop {
        tokio::time::sleep(EVERY).await;
        let (is_left, has_risen) =
            (watermark.is_left(server.open_connections()), resident.has_risen(resident_kib()));
        if is_left || has_risen {
            // It takes milliseconds, in which connections are to be served. It cannot panic.
            let _ = tokio::task::spawn_blocking(trim).await;
            resident = Resident::new(resident_kib());
            tracing::debug!("free memory given back");
        }
    }
}

/// What the program has in memory; 0 where the system does not say.
fn resident_kib() -> u64 {
    let about = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = about.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default()
}

/// What the program had in memory, in KiB, when memory was given back last, and at the last look.
#[derive(Debug)]
struct Resident {
    base: u64,
    last: u64,
}

impl Resident {
    fn new(base: u64) -> Self {
        Self { base, last: base }
    }

    /// Takes what it has now; whether that is much more than when it was given back last, and rises no more.
    fn has_risen(&mut self, now: u64) -> bool {
        let rises = now > self.last.saturating_add(self.last / 16);
        self.last = now;
        !rises && now.saturating_sub(self.base) >= LEAST_RISE.max(self.base / 4)
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
    fn memory_is_given_back_once_a_great_rise_is_over() {
        let seen = [
            (10_000, false),
            (20_000, false),
            // It rises still.
            (200_000, false),
            (520_000, false),
            (520_000, true),
        ];
        let mut resident = Resident::new(10_000);
        for (kib, expected) in seen {
            assert_eq!(resident.has_risen(kib), expected, "{kib}");
        }
        // What is in use after it was given back is where the next rise begins.
        let mut resident = Resident::new(500_000);
        for (kib, expected) in [(520_000, false), (520_000, false), (640_000, false), (640_000, true)] {
            assert_eq!(resident.has_risen(kib), expected, "{kib}");
        }
    }

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
