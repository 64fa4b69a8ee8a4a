//! `rpcwrap ping`: how long a server takes to answer a call that does nothing.

use crate::{
    address::Address,
    failure::{Exit, Failure},
    format::Format,
    options::Options,
    output::Output,
    session::Session,
    signals::Signals,
    units::{format_duration, parse_duration},
};
use codecs::types::Any;
use rpcwrap_client::Error;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Servers without this method answer that they have not got it, which is an answer too.
const METHOD: &str = "_rpcwrap_.Ping";

/// Measure how long a server takes to answer
///
/// One connection; each second a line with that second's calls. Ctrl-C and SIGTERM end it with a summary.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PingArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// End after this many calls
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Time from one call to the next
    #[arg(short, long, value_parser = parse_duration, default_value = "100ms", value_name = "TIME")]
    interval: Duration,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap ping 127.0.0.1:7070 -c 5
  rpcwrap ping :7070 -c 100 -i 1ms -o json";

/// Calls until it has called often enough, and says how long it took.
pub(crate) async fn run(options: &Options, args: &PingArgs) -> Result<(), Failure> {
    let output = Output::new(options);
    let start = Instant::now();
    let session = Session::open(options, &args.addr).await?;
    let opened = start.elapsed();
    let is_json = options.output == Some(Format::Json);
    if !is_json {
        output.print(&format!("{}: connected in {}", args.addr, format_duration(opened)))?;
    }
    let mut all = Times::default();
    let mut signals = Signals::new()?;
    let ended = tokio::select! {
        ended = measure(&session, args, (!is_json).then_some(output), &mut all) => ended,
        _ = signals.next() => Ok(()),
    };
    if !all.0.is_empty() {
        if is_json { output.json(&all.summary(opened))? } else { output.print(&all.line("all"))? }
    }
    ended
}

async fn measure(
    session: &Session,
    args: &PingArgs,
    output: Option<Output>,
    all: &mut Times,
) -> Result<(), Failure> {
    let mut turns = interval(args.interval.max(Duration::from_micros(1)));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begin = Instant::now();
    let (mut second, mut seconds) = (Times::default(), 1);
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        turns.tick().await;
        if begin.elapsed() >= Duration::from_secs(seconds) {
            if let (Some(output), false) = (output, second.0.is_empty()) {
                output.print(&second.line(&format!("{seconds} s")))?;
            }
            second = Times::default();
            seconds = begin.elapsed().as_secs() + 1;
        }
        let took = once(session).await?;
        second.0.push(took);
        all.0.push(took);
    }
    Ok(())
}

async fn once(session: &Session) -> Result<Duration, Failure> {
    let began = session.begin();
    let answer: Result<Any, Error> = session.waited_for(session.request(METHOD).call(&())).await;
    let took = began.elapsed();
    session.answered(began);
    match answer.map_err(|error| session.failure(error)) {
        Ok(_) | Err(Failure { exit: Exit::Remote, .. }) => Ok(took),
        Err(failure) => Err(failure),
    }
}

/// How long calls took.
#[derive(Debug, Default)]
struct Times(Vec<Duration>);

impl Times {
    /// Least, mean and greatest; of no times, zero.
    fn spread(&self) -> (Duration, Duration, Duration) {
        let count = u32::try_from(self.0.len().max(1)).unwrap_or(u32::MAX);
        let least = self.0.iter().min().copied().unwrap_or_default();
        let greatest = self.0.iter().max().copied().unwrap_or_default();
        (least, self.0.iter().sum::<Duration>() / count, greatest)
    }

    /// The time that `share` of the calls did not exceed.
    fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    fn line(&self, what: &str) -> String {
        let (min, avg, max) = self.spread();
        let [min, avg, max, p99] = [min, avg, max, self.percentile(0.99)].map(format_duration);
        format!("{what}: {} calls, min {min}, avg {avg}, p99 {p99}, max {max}", self.0.len())
    }

    fn summary(&self, opened: Duration) -> serde_json::Value {
        let (min, avg, max) = self.spread();
        let us = |time: Duration| time.as_nanos() as f64 / 1e3;
        json!({
            "calls": self.0.len(),
            "connect_us": us(opened),
            "min_us": us(min),
            "avg_us": us(avg),
            "p50_us": us(self.percentile(0.5)),
            "p99_us": us(self.percentile(0.99)),
            "max_us": us(max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let times = Times((1..=100).map(Duration::from_millis).collect());
        let ms = Duration::from_millis;
        assert_eq!(times.spread(), (ms(1), Duration::from_micros(50_500), ms(100)));
        assert_eq!(
            (times.percentile(0.5), times.percentile(0.99), times.percentile(1.0)),
            (ms(50), ms(99), ms(100))
        );
        assert_eq!(Times::default().percentile(0.5), Duration::ZERO);
        assert_eq!(times.line("all"), "all: 100 calls, min 1.00 ms, avg 50.5 ms, p99 99.0 ms, max 100 ms");
        assert_eq!(times.summary(ms(2))["avg_us"], 50_500.0);
    }
}
