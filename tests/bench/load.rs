//! The load generator: `rpcwrap bench` as a process of its own, which also reads what its calls cost the server.
//!
//! It must not know which server that is.

use crate::peer::{Programs, Running, start_on};
use crate::server_cpu::Cpu;
use crate::workload::{ARGUMENT, Codec, METHOD};
use crate::{Result, WARM_UP};
use serde_json::Value;
use std::fmt;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long the generator keeps idle connections open: longer than they are measured.
const HOLD: &str = "60s";

/// A server to load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) addr: SocketAddr,
    pub(crate) pid: u32,
    pub(crate) codec: Codec,
}

/// Connections and calls in flight on each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.connections, self.in_flight)
    }
}

/// One measurement of one process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) micros_per_call: f64,
    /// The part of the CPU in user mode, from 0 to 1.
    pub(crate) user_share: f64,
    /// How busy the process kept its core, from 0 to 1.
    pub(crate) utilisation: f64,
}

impl Sample {
    /// What `calls` in `elapsed` cost; there must be some.
    pub(crate) fn of(calls: u64, elapsed: Duration, cpu: Cpu) -> Self {
        Self {
            micros_per_call: cpu.total.as_secs_f64() * 1e6 / calls as f64,
            user_share: cpu.user_share(),
            utilisation: cpu.total.as_secs_f64() / elapsed.as_secs_f64(),
        }
    }

    /// The server's part of a report.
    fn from_report(report: &Value) -> Option<Self> {
        let server = report.get("server")?;
        let figure = |name| server.get(name)?.as_f64();
        Some(Self {
            micros_per_call: figure("cpu_us_per_call")?,
            user_share: figure("user_share")?,
            utilisation: figure("cores")?,
        })
    }
}

/// The generator's settings: where it is and on which core it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generator<'p> {
    pub(crate) programs: &'p Programs,
    pub(crate) core: usize,
}

impl Generator<'_> {
    /// Loads `server` in `shape`, first for [`WARM_UP`] unmeasured, then for `duration`.
    ///
    /// # Errors
    /// A call that fails, or none at all.
    pub(crate) fn load(self, server: &Endpoint, shape: Shape, duration: Duration) -> Result<Sample> {
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        let (pid, duration) = (server.pid.to_string(), millis(duration));
        let load = ["--warm-up", &millis(WARM_UP), "-z", &duration, "--server-pid", &pid];
        let (report, _) = self.bench(server, shape, &load)?;
        Sample::from_report(&report)
            .ok_or_else(|| format!("a report without the server's cost: {report}").into())
    }

    /// Makes one call on each of so many connections and keeps them open until the process is dropped.
    ///
    /// # Errors
    /// A call that fails.
    pub(crate) fn hold(self, server: &Endpoint, connections: usize) -> Result<Running> {
        let count = connections.to_string();
        let shape = Shape { connections, in_flight: 1 };
        Ok(self.bench(server, shape, &["-n", &count, "--hold", HOLD])?.1)
    }

    /// The report of a run in which every call was answered, and the process that may still hold its connections.
    fn bench(self, server: &Endpoint, shape: Shape, flags: &[&str]) -> Result<(Value, Running)> {
        let mut command = Command::new(self.programs.rpcwrap());
        command.args(["bench", &server.addr.to_string(), METHOD, ARGUMENT, "--json"]);
        command.args(["--codec", server.codec.name(), "-c", &shape.connections.to_string()]);
        command.args(["--inflight", &shape.in_flight.to_string()]).args(flags);
        let mut process = start_on(&command, self.core, Stdio::null())?;
        let mut reports = serde_json::Deserializer::from_reader(process.stdout()?).into_iter::<Value>();
        let report = reports.next().ok_or("rpcwrap bench ended without a report")??;
        let requests = &report["requests"];
        if requests["intended"] != requests["done"] || requests["done"] == 0 {
            return Err(format!("{requests} of {shape}, failed: {}", report["failures"]).into());
        }
        Ok((report, process))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_what_the_report_says_of_the_server() {
        let report =
            serde_json::json!({"server": {"cpu_us_per_call": 1.5, "user_share": 0.25, "cores": 0.75}});
        let sample = Sample { micros_per_call: 1.5, user_share: 0.25, utilisation: 0.75 };
        assert_eq!(Sample::from_report(&report), Some(sample));
        let cpu = Cpu { total: Duration::from_millis(3), user_ticks: 1, system_ticks: 3 };
        assert_eq!(Sample::of(2000, Duration::from_millis(4), cpu), sample);
        assert_eq!(Sample::from_report(&serde_json::json!({"server": null})), None);
    }
}
