//! The lines of the log on their way out: written by a thread of their own, so that a reader of the log that stops
//! reading stops nothing else.
//!
//! What waits is bounded; a line more is dropped and counted. Lines keep their order.

use std::{
    io::{self, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// Bytes that wait at most, beside as many that are being written.
const MOST_WAITING: usize = 1 << 20;
/// Bytes of room that are kept for the next lines.
const KEPT: usize = 16 << 10;

/// Where lines are put; clones are the same queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// Lines were put in, or all of them have been written.
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<u8>,
    /// The thread has taken lines it has not written to their end.
    is_writing: bool,
}

impl LogQueue {
    /// A queue whose lines go to `out`.
    ///
    /// # Errors
    /// The system gives us no thread.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Self::default();
        let written = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || written.write_to(out))?;
        Ok(queue)
    }

    /// Lines that were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Relaxed)
    }

    /// Waits until all lines are written, for at most `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        let is_busy = |lines: &mut Lines| lines.is_writing || !lines.waiting.is_empty();
        // What is not written by then stays unwritten.
        let _ = self.0.changed.wait_timeout_while(self.lock(), limit, is_busy);
    }

    /// Writes for as long as the process lives.
    fn write_to(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        let mut told = 0;
        loop {
            {
                let is_empty = |lines: &mut Lines| lines.waiting.is_empty();
                let waited = self.0.changed.wait_while(self.lock(), is_empty);
                let mut lines = waited.unwrap_or_else(PoisonError::into_inner);
                mem::swap(&mut lines.waiting, &mut taken);
                lines.is_writing = true;
            }
            let written = out.write_all(&taken);
            let dropped = self.dropped();
            if written.is_err() {
                let lines = taken.iter().filter(|byte| **byte == b'\n').count();
                self.0.dropped.fetch_add(lines as u64, Relaxed);
            } else if dropped > told {
                // Into this very queue: not where nothing can be written, as it would never end.
                tracing::warn!(count = dropped - told, "lines of the log were dropped");
                told = dropped;
            }
            taken.clear();
            taken.shrink_to(KEPT);
            self.lock().is_writing = false;
            self.0.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes whole lines, at once and without fail.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.lock();
        if lines.waiting.len() + line.len() > MOST_WAITING {
            self.0.dropped.fetch_add(1, Relaxed);
        } else {
            lines.waiting.extend_from_slice(line);
            self.0.changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    const LIMIT: Duration = Duration::from_secs(30);

    /// Hands over all it is given, and waits until it is taken.
    struct Out(SyncSender<Vec<u8>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (LogQueue, Receiver<Vec<u8>>) {
        let (out, taken) = sync_channel(0);
        (LogQueue::start(Out(out)).unwrap(), taken)
    }

    #[test]
    fn lines_come_out_in_order() {
        let (mut queue, taken) = queue();
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        for line in text.split_inclusive('\n') {
            queue.write_all(line.as_bytes()).unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < text.len() {
            seen.extend(taken.recv_timeout(LIMIT).unwrap());
        }
        assert_eq!((seen, queue.dropped()), (text.into_bytes(), 0));
        queue.flush(LIMIT);
        let lines = queue.lock();
        assert!(lines.waiting.is_empty() && !lines.is_writing);
    }

    #[test]
    fn what_is_too_much_is_dropped_and_no_writer_waits() {
        let (mut queue, taken) = queue();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let most = 2 * MOST_WAITING / line.len();
        for _ in 0..most + 10 {
            queue.write_all(&line).unwrap();
        }
        // As many as wait at least, and what the thread had taken before at most.
        let dropped = queue.dropped() as usize;
        assert!((10..=10 + most / 2).contains(&dropped), "{dropped}");
        queue.flush(Duration::from_millis(1));
        let mut seen = 0;
        while seen + dropped < most + 10 {
            seen += taken.recv_timeout(LIMIT).unwrap().len() / line.len();
        }
        queue.flush(LIMIT);
        queue.write_all(b"next\n").unwrap();
        assert_eq!(taken.recv_timeout(LIMIT).unwrap(), b"next\n");
        assert_eq!(queue.dropped() as usize, dropped);
    }

    #[test]
    fn lines_without_a_reader_are_counted() {
        let (mut queue, taken) = queue();
        drop(taken);
        queue.write_all(b"one\n").unwrap();
        queue.flush(LIMIT);
        queue.write_all(b"two\n").unwrap();
        queue.flush(LIMIT);
        assert_eq!(queue.dropped(), 2);
    }
}
