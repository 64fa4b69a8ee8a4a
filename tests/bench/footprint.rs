//! What a server process holds: memory and descriptors, read from `/proc`; its CPU time is `server_cpu`.
//! It must not know what the process is or who loads it.

use crate::server_cpu::number;
use std::fs;
use std::io;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// Resident memory (`VmRSS`) in KiB.
    pub(crate) resident_kib: u64,
    /// Open files and sockets.
    pub(crate) descriptors: usize,
}

impl Footprint {
    /// Reads `/proc/PID/status` and counts `/proc/PID/fd`.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident_kib = number(line.and_then(|value| value.split_whitespace().next()))?;
        Ok(Self { resident_kib, descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let pid = std::process::id();
        let footprint = Footprint::of(pid).unwrap();
        assert!(footprint.resident_kib > 100 && footprint.descriptors > 0, "{footprint:?}");
    }
}
