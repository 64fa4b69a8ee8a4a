//! CPU of the server while it is loaded, read from `/proc`: what a call costs it, which no time of a reply tells.
//!
//! Linux only, and only where the server runs on the same machine. It must not know who loads the process.

use std::{fs, io, time::Duration};

/// CPU used by a process since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cpu {
    /// User and system time of all live threads, exact to the scheduler's last switch or tick.
    pub(crate) total: Duration,
    /// The kernel's clock ticks (10 ms on most machines): good for a share, too coarse for a cost.
    pub(crate) user_ticks: u64,
    pub(crate) system_ticks: u64,
}

impl Cpu {
    /// Reads `/proc/PID/task/*/schedstat` and `/proc/PID/stat`.
    ///
    /// # Errors
    /// There is no such process, or no such files.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the read.
            if let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) {
                nanos += number(schedstat.split(' ').next())?;
            }
        }
        let (user_ticks, system_ticks) = ticks(&fs::read_to_string(format!("/proc/{pid}/stat"))?)?;
        Ok(Self { total: Duration::from_nanos(nanos), user_ticks, system_ticks })
    }

    /// What was used from `earlier` until `self`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }

    /// The part of the ticks spent in user mode, from 0 to 1.
    pub(crate) fn user_share(self) -> f64 {
        let all = self.user_ticks + self.system_ticks;
        if all == 0 { 0.0 } else { self.user_ticks as f64 / all as f64 }
    }
}

/// utime and stime: fields 14 and 15 of `/proc/PID/stat`, counted behind the program's name, which is field 2 and may
/// contain spaces and parentheses.
fn ticks(stat: &str) -> io::Result<(u64, u64)> {
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    Ok((number(fields.next())?, number(fields.next())?))
}

/// A number in a file of `/proc`.
pub(crate) fn number(field: Option<&str>) -> io::Result<u64> {
    field
        .and_then(|digits| digits.trim().parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected format of a file in /proc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_name_with_parentheses() {
        let stat = "77 (a (b) 1) S 1 77 77 0 -1 4194304 100 0 1 0 421 1337 0 0 20 0 3 0 5 6 7\n";
        assert_eq!(ticks(stat).unwrap(), (421, 1337));
        assert!(ticks("77 (short) S 1").is_err());
    }

    #[test]
    fn the_work_of_this_process_shows() {
        let pid = std::process::id();
        let before = Cpu::of(pid).unwrap();
        let start = std::time::Instant::now();
        // The counter of a running thread moves at ticks, and other processes may hold the core.
        while Cpu::of(pid).unwrap().since(before).total < Duration::from_millis(5) {
            assert!(start.elapsed() < Duration::from_secs(10), "no CPU counted in 10 s of work");
        }
        assert!(Cpu::of(u32::MAX).is_err());
    }

    #[test]
    fn user_share_is_a_part_of_all_ticks() {
        let cpu = Cpu { user_ticks: 1, system_ticks: 3, ..Cpu::default() };
        assert_eq!(cpu.user_share(), 0.25);
        assert_eq!(Cpu::default().user_share(), 0.0);
    }
}
