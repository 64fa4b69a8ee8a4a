//! `rpcwrap top`: what a server is doing now, method by method.
//!
//! Reads `/debug/vars` of our servers; of Go's, the calls that `/debug/rpc` counts.

use crate::{
    address::Address,
    catalogue::{self, Method},
    failure::{Exit, Failure},
    format::Format,
    http,
    options::Options,
    output::{self, Output},
    units::parse_duration,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// Show calls per second, calls in flight and errors of every method
///
/// On a terminal the table stays in place; in a pipe one table follows the other; with -o json a frame is one line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TopArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// Time from one frame to the next
    #[arg(short, long, value_parser = parse_duration, default_value = "1s", value_name = "TIME")]
    interval: Duration,
    /// End after this many frames
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap top 127.0.0.1:7070 -n 1 -i 200ms
  rpcwrap top :7070 -n 2 --interval 100ms -o json";

const VARS: &str = "/debug/vars";

/// A method's counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Counters {
    calls: u64,
    errors: Option<u64>,
    in_flight: Option<u64>,
}

type Poll = BTreeMap<String, Counters>;

/// A method within one frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    method: String,
    calls_per_second: f64,
    errors_per_second: Option<f64>,
    in_flight: Option<u64>,
    calls: u64,
}

/// Polls and shows until there were enough frames.
pub(crate) async fn run(options: &Options, args: &TopArgs) -> Result<(), Failure> {
    let output = Output::new(options);
    let mut turns = interval(args.interval.max(Duration::from_millis(10)));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns.tick().await;
    let (mut before, mut at) = (poll(options, &args.addr).await?, Instant::now());
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        turns.tick().await;
        let (now, taken) = (poll(options, &args.addr).await?, Instant::now());
        show(output, &args.addr, &rows(&before, &now, taken - at))?;
        (before, at) = (now, taken);
    }
    Ok(())
}

async fn poll(options: &Options, addr: &Address) -> Result<Poll, Failure> {
    let vars = match http::get(options, addr, VARS).await {
        Ok(vars) => read_vars(&vars),
        Err(failure) if failure.exit == Exit::Protocol => None,
        Err(failure) => return Err(failure),
    };
    match vars {
        Some(methods) => Ok(methods),
        None => read_page(&http::get(options, addr, catalogue::PAGE).await?),
    }
}

/// `None` if these are the variables of another program.
fn read_vars(vars: &str) -> Option<Poll> {
    #[derive(Deserialize)]
    struct Vars {
        methods: Poll,
    }
    serde_json::from_str::<Vars>(vars).ok().map(|vars| vars.methods)
}

fn read_page(page: &str) -> Result<Poll, Failure> {
    let counters = |method: &Method| Counters { calls: method.calls.unwrap_or(0), ..Counters::default() };
    let services = catalogue::read_page(page)?;
    Ok(catalogue::methods(&services).map(|(name, method)| (name, counters(method))).collect())
}

/// The busiest first. A counter that went back is a server that was started again: it counts from zero.
fn rows(before: &Poll, now: &Poll, passed: Duration) -> Vec<Row> {
    let per_second = |now: u64, before: u64| {
        let more = now.checked_sub(before).unwrap_or(now);
        (more as f64 / passed.as_secs_f64().max(1e-3) * 10.0).round() / 10.0
    };
    let row = |(method, now): (&String, &Counters)| {
        let old = before.get(method).copied().unwrap_or_default();
        Row {
            method: method.clone(),
            calls_per_second: per_second(now.calls, old.calls),
            errors_per_second: now.errors.map(|errors| per_second(errors, old.errors.unwrap_or(0))),
            in_flight: now.in_flight,
            calls: now.calls,
        }
    };
    let mut rows: Vec<Row> = now.iter().map(row).collect();
    rows.sort_by(|a, b| b.calls_per_second.total_cmp(&a.calls_per_second).then(b.calls.cmp(&a.calls)));
    rows
}

fn show(output: Output, addr: &Address, rows: &[Row]) -> Result<(), Failure> {
    if output.list_format() == Format::Json {
        return output.json(&rows);
    }
    let known = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let cells = |row: &Row| {
        vec![
            row.method.clone(),
            format!("{:.1}", row.calls_per_second),
            known(row.in_flight.map(|number| number.to_string())),
            known(row.errors_per_second.map(|rate| format!("{rate:.1}"))),
            row.calls.to_string(),
        ]
    };
    let header = ["METHOD", "CALLS/S", "IN FLIGHT", "ERRORS/S", "CALLS"];
    let table = output::table(&header, &rows.iter().map(cells).collect::<Vec<_>>());
    if output.terminal {
        let total: f64 = rows.iter().map(|row| row.calls_per_second).sum();
        return output.screen(&format!("{addr}  {total:.1} calls/s"), &table);
    }
    output.print(&format!("{table}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(calls: u64, errors: u64) -> Counters {
        Counters { calls, errors: Some(errors), in_flight: Some(2) }
    }

    fn poll<const N: usize>(methods: [(&str, Counters); N]) -> Poll {
        methods.map(|(name, counters)| (name.to_owned(), counters)).into()
    }

    #[test]
    fn rates_are_of_the_time_that_passed() {
        let before =
            poll([("A.Slow", counters(100, 0)), ("A.Fast", counters(10, 1)), ("A.Reset", counters(50, 50))]);
        let now = poll([
            ("A.Slow", counters(101, 0)),
            ("A.Fast", counters(1010, 3)),
            ("A.Reset", counters(4, 2)),
            ("A.New", counters(0, 0)),
        ]);
        let rows = rows(&before, &now, Duration::from_secs(2));
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.method.as_str(), row.calls_per_second, row.errors_per_second))
            .collect();
        assert_eq!(
            shown,
            [
                ("A.Fast", 500.0, Some(1.0)),
                ("A.Reset", 2.0, Some(1.0)),
                ("A.Slow", 0.5, Some(0.0)),
                ("A.New", 0.0, Some(0.0))
            ]
        );
    }

    #[test]
    fn numbers_of_ours_and_of_gos_servers() {
        let vars =
            r#"{"cmdline":[],"methods":{"A.X":{"calls":7,"errors":1,"in-flight":2,"latency-ns":[[1,2]]}}}"#;
        assert_eq!(
            read_vars(vars),
            Some(poll([("A.X", Counters { calls: 7, errors: Some(1), in_flight: Some(2) })]))
        );
        assert_eq!(read_vars(r#"{"cmdline":[],"memstats":{}}"#), None);
        let go = read_page(include_str!("../testdata/go_debug_rpc.html")).unwrap();
        assert_eq!(go["Arith.Multiply"], Counters { calls: 3, errors: None, in_flight: None });
    }
}
