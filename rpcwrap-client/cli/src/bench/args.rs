//! The command line of `rpcwrap bench`.

use super::{
    load::Plan,
    report::RunSettings,
    schedule::{Ramp, Schedule, parse_rate},
};
use crate::{
    address::{Address, parse_method},
    codec_name::CodecName,
    units::parse_duration,
};
use clap::builder::{RangedU64ValueParser, TypedValueParser};
use rpcwrap_client::AnyCodec;
use std::{path::PathBuf, time::Duration};

/// Duration of a run that says neither how long nor how many.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
/// Calls in flight per connection: in an open loop what our servers take, so that the loop is seldom held up here.
const DEFAULT_OPEN_IN_FLIGHT: usize = 256;

/// Load a method and report how it answers.
///
/// Without --rate or --ramp a closed loop: each of the calls in flight is made when the one before it is answered, so
/// a slow server is asked less often and its pauses hardly show. With --rate or --ramp an open loop: requests start
/// when the clock says, however slow the server is; the response time counts from the intended start, the service time
/// from the sending. What no call was free for is late, and what is not finished at the end is counted as such.
///
/// A method that the server has not got, or that streams, ends the run at the first answer. Ctrl-C and SIGTERM end it
/// with a report of what was done.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    /// Server: host:port, :port or unix:PATH
    pub(crate) addr: Address,
    /// Method with one reply, such as Arith.Multiply
    #[arg(value_parser = parse_method)]
    pub(crate) method: String,
    /// Its argument as JSON: inline, @FILE, or - for standard input
    #[arg(default_value = "null", allow_negative_numbers = true)]
    pub(crate) arg: String,

    /// Requests to make [default: no limit]
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) requests: Option<u64>,
    /// Connections
    #[arg(short = 'c', long, value_name = "COUNT", default_value = "1", value_parser = count(100_000))]
    pub(crate) connections: usize,
    /// How long requests are made, such as 10s or 2m [default: 10s, or the ramp's, or no limit with -n]
    #[arg(short = 'z', long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Calls in flight on each connection [default: 1, in an open loop 256]
    #[arg(long, value_name = "COUNT", value_parser = count(1_000_000))]
    pub(crate) inflight: Option<usize>,
    /// Open loop: requests per second, over all connections
    #[arg(short = 'q', long, value_name = "RATE", value_parser = parse_rate, conflicts_with = "ramp")]
    pub(crate) rate: Option<f64>,
    /// Open loop: a rate that grows evenly, such as 100:5000/30s, and then stays
    #[arg(long, value_name = "FROM:TO/TIME")]
    pub(crate) ramp: Option<Ramp>,
    /// Load for this long beforehand, uncounted
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub(crate) warm_up: Duration,
    /// Wait this long for what is unfinished at the end
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub(crate) grace: Duration,

    /// Keep the connections open and idle for this long after the report
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub(crate) hold: Duration,
    /// Report the CPU that the server's process uses per call; on the same Linux machine only
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Option<u32>,

    /// Print the report as one JSON object
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print the report as CSV: a line of names and a line of figures
    #[arg(long)]
    pub(crate) csv: bool,
    /// Write all times to FILE as an HdrHistogram percentile distribution (.hgrm)
    #[arg(long, value_name = "FILE")]
    pub(crate) hdr: Option<PathBuf>,
    /// Write the report to FILE as one page with charts that needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
A common --max-time is the limit of each call here.

Examples:
  rpcwrap bench :7070 Arith.Multiply '{\"A\":7,\"B\":8}' -n 10000 -c 4 --inflight 16
  rpcwrap bench :7070 Arith.Multiply '{\"A\":7,\"B\":8}' --rate 500 -z 2s --html report.html
  rpcwrap bench :7070 Arith.Multiply @args.json --ramp 100:2000/3s --json";

fn count(most: u64) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=most)
}

impl BenchArgs {
    /// Whether requests have times of their own.
    pub(crate) fn is_open(&self) -> bool {
        self.rate.is_some() || self.ramp.is_some()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.inflight.unwrap_or(if self.is_open() { DEFAULT_OPEN_IN_FLIGHT } else { 1 })
    }

    /// What the measured run does.
    pub(crate) fn plan(&self) -> Plan {
        let unsaid = if self.requests.is_some() { Duration::MAX } else { DEFAULT_DURATION };
        let unsaid = self.ramp.filter(|_| self.requests.is_none()).map_or(unsaid, |ramp| ramp.over);
        self.plan_for(self.duration.unwrap_or(unsaid), self.requests.unwrap_or(u64::MAX))
    }

    /// What is done beforehand: the same load, or what a ramp begins with.
    pub(crate) fn warm_up_plan(&self) -> Option<Plan> {
        let level = Self { rate: self.rate.or(self.ramp.map(|ramp| ramp.from)), ramp: None, ..self.clone() };
        (!self.warm_up.is_zero()).then(|| level.plan_for(self.warm_up, u64::MAX))
    }

    fn plan_for(&self, duration: Duration, requests: u64) -> Plan {
        match (self.rate, self.ramp) {
            (Some(rate), _) => Plan::Open(Schedule::constant(rate, duration).at_most(requests)),
            (None, Some(ramp)) => Plan::Open(Schedule::ramp(ramp, duration).at_most(requests)),
            (None, None) => Plan::Closed { duration, requests },
        }
    }

    /// What the report says was asked for.
    pub(crate) fn settings(&self, codec: CodecName, plan: Plan) -> RunSettings {
        RunSettings {
            addr: self.addr.to_string(),
            method: self.method.clone(),
            codec: AnyCodec::from(codec).name().to_owned(),
            connections: self.connections,
            in_flight: self.in_flight(),
            rate: plan.schedule().map(|schedule| schedule.mean_rate()),
            ramp: self.ramp.map(|Ramp { from, to, over }| format!("{from}:{to}/{}s", over.as_secs_f64())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn try_parse(line: &str) -> Result<BenchArgs, clap::Error> {
        let words = ["bench", ":7070", "A.B"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.args)
    }

    fn parse(line: &str) -> BenchArgs {
        try_parse(line).unwrap()
    }

    #[test]
    fn a_closed_loop_ends_by_time_or_count() {
        let closed = |duration, requests| Plan::Closed { duration, requests };
        let seconds = Duration::from_secs;
        for (line, plan) in [
            ("", closed(seconds(10), u64::MAX)),
            ("-z 3s", closed(seconds(3), u64::MAX)),
            ("-n 7", closed(Duration::MAX, 7)),
            ("-n 7 -z 2", closed(seconds(2), 7)),
        ] {
            assert_eq!(parse(line).plan(), plan, "{line}");
        }
        assert_eq!((parse("").in_flight(), parse("--inflight 5").in_flight()), (1, 5));
    }

    #[test]
    fn an_open_loop_has_a_schedule_that_ends() {
        for (line, requests) in [
            ("-q 100", 1000),
            ("--rate 100 -z 8s", 800),
            ("--rate 100 -n 50", 50),
            ("--rate 100 -n 5000 -z 1s", 100),
            ("--ramp 100:500/10s", 3000),
            ("--ramp 100:500/10s -z 11s", 3500),
            ("--ramp 100:500/10s -n 4000", 4000),
        ] {
            let args = parse(line);
            let Plan::Open(schedule) = args.plan() else { panic!("{line} is a closed loop") };
            assert_eq!((schedule.total(), args.in_flight()), (requests, 256), "{line}");
        }
    }

    #[test]
    fn the_warm_up_has_the_load_of_the_beginning() {
        assert_eq!(parse("--rate 10").warm_up_plan(), None);
        let second = Duration::from_secs(1);
        assert_eq!(
            parse("--ramp 100:500/10s --warm-up 1s -n 5").warm_up_plan(),
            Some(Plan::Open(Schedule::constant(100.0, second)))
        );
        let closed = Plan::Closed { duration: second, requests: u64::MAX };
        assert_eq!(parse("-n 5 --warm-up 1s").warm_up_plan(), Some(closed));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in
            ["-n 0", "-c 0", "--inflight 0", "--rate 0", "--rate 5 --ramp 1:2/1s", "--json --csv", "-z x"]
        {
            assert!(try_parse(line).is_err(), "{line}");
        }
    }
}
