//! The result of a run as plain data, and its forms: text for people, JSON and CSV for programs, a page, a histogram.
//!
//! Everything a form shows is in [`Report`]; a form must not measure or compute anything but its own layout.

mod csv;
mod hgrm;
mod html;
mod json;
mod svg;
mod text;

#[cfg(test)]
mod tests;

use super::{
    load::Outcome,
    server_cpu::Cpu,
    tally::{SecondFigures, Tally, Times},
};
use crate::failure::Exit;
use std::time::Duration;

/// Times at every reported share of the requests, by name.
type Figures = [(&'static str, Duration); 8];

fn figures(times: &Times) -> Figures {
    [
        ("min", times.min()),
        ("mean", times.mean()),
        ("p50", times.quantile(0.5)),
        ("p90", times.quantile(0.9)),
        ("p99", times.quantile(0.99)),
        ("p99.9", times.quantile(0.999)),
        ("p99.99", times.quantile(0.9999)),
        ("max", times.max()),
    ]
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunSettings {
    pub(crate) addr: String,
    pub(crate) method: String,
    pub(crate) codec: String,
    pub(crate) connections: usize,
    /// Per connection.
    pub(crate) in_flight: usize,
    /// Requests per second on average; `None` in a closed loop.
    pub(crate) rate: Option<f64>,
    /// The ramp as it was written.
    pub(crate) ramp: Option<String>,
}

impl RunSettings {
    fn is_open(&self) -> bool {
        self.rate.is_some()
    }

    /// `open loop` or `closed loop`.
    fn loop_name(&self) -> &'static str {
        if self.is_open() { "open" } else { "closed" }
    }
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Report {
    settings: RunSettings,
    tally: Tally,
    seconds: Vec<SecondFigures>,
    elapsed: Duration,
    interrupted: bool,
    server: Option<ServerCost>,
}

/// What the calls cost the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ServerCost {
    /// CPU per call that was answered.
    pub(crate) micros_per_call: f64,
    /// Of it in user mode, from 0 to 1.
    pub(crate) user_share: f64,
    /// Cores it kept busy on average.
    pub(crate) cores: f64,
}

impl ServerCost {
    /// `None` if no call was answered.
    fn of(cpu: Cpu, done: u64, elapsed: Duration) -> Option<Self> {
        (done > 0 && !elapsed.is_zero()).then(|| Self {
            micros_per_call: cpu.total.as_secs_f64() * 1e6 / done as f64,
            user_share: cpu.user_share(),
            cores: cpu.total.as_secs_f64() / elapsed.as_secs_f64(),
        })
    }

    /// For people.
    fn text(&self) -> String {
        let Self { micros_per_call, user_share, cores } = self;
        let user = user_share * 100.0;
        format!("{micros_per_call:.3} µs of CPU per call, {user:.0} % of it user; {cores:.2} cores used")
    }
}

impl Report {
    /// `cpu` is what the server used in the run, if that is known.
    pub(crate) fn new(settings: RunSettings, outcome: Outcome, cpu: Option<Cpu>) -> Self {
        let Outcome { tally, seconds, elapsed, interrupted } = outcome;
        let server = cpu.and_then(|cpu| ServerCost::of(cpu, tally.done, elapsed));
        Self { settings, tally, seconds, elapsed, interrupted, server }
    }

    /// Completed requests per second.
    fn achieved(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.tally.done as f64 / seconds } else { 0.0 }
    }

    fn service(&self) -> Figures {
        figures(&self.tally.service)
    }

    /// Only an open loop knows when requests were to start.
    fn response(&self) -> Option<Figures> {
        self.settings.is_open().then(|| figures(&self.tally.response))
    }

    /// Times counted from what the loop knows best: the intended start, else the sending.
    fn times(&self) -> &Times {
        if self.settings.is_open() { &self.tally.response } else { &self.tally.service }
    }

    /// What the program's exit code says if nothing was answered: the most frequent failure.
    pub(crate) fn exit(&self) -> Option<Exit> {
        if self.tally.done > 0 {
            return None;
        }
        let worst = self.tally.failures().max_by_key(|(_, failures)| failures.count);
        match worst {
            Some((kind, failures)) if failures.count > 0 => Some(kind.exit()),
            _ if self.tally.in_flight > 0 && !self.interrupted => Some(Exit::Timeout),
            _ => None,
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
