//! `rpcwrap watch`: the same call again and again, and what changes in its reply.

use crate::{
    address::{Address, parse_method},
    call, catalogue,
    failure::{Exit, Failure},
    format::Format,
    options::Options,
    output::Output,
    pretty,
    printable::printable,
    session::{Session, say},
    units::parse_duration,
};
use codecs::types::Any;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Repeat a call and show what changes in its reply
///
/// On a terminal the reply stays in place with the parts that have changed set apart; in a pipe, or with --output, a
/// reply is printed when it differs from the one before. An error reply is shown and the watch goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// Full name of the method, which has one reply
    #[arg(value_parser = parse_method)]
    method: String,
    /// Its argument: JSON, @FILE, or - for stdin; without one, null
    #[arg(
        value_name = "ARG",
        default_value = "null",
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    argument: String,
    /// Time from one call to the next
    #[arg(short, long, value_parser = parse_duration, default_value = "1s", value_name = "TIME")]
    interval: Duration,
    /// End after this many calls
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap watch 127.0.0.1:7070 Echo.Any '{\"a\":1}' -i 100ms -n 3
  rpcwrap watch :7070 Sleep.For 1 -n 2 --interval 10ms -o raw";

/// Calls and shows until it has called often enough.
pub(crate) async fn run(options: &Options, args: &WatchArgs) -> Result<(), Failure> {
    let output = Output::new(options);
    let argument = call::values(&args.argument)?.recv().await.transpose()?;
    let argument = argument.ok_or_else(|| Failure::usage("the argument is empty"))?;
    catalogue::refuse_stream(options, &args.addr, &args.method, "watch").await?;
    let session = Session::open(options, &args.addr).await?;
    let argument = session.argument(argument);
    let mut turns = interval(args.interval.max(Duration::from_millis(1)));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let in_place = output.terminal && options.output.is_none_or(|format| format == Format::Json);
    let mut before: Option<Result<Any, Failure>> = None;
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        turns.tick().await;
        let now = session.call(&args.method, &argument).await;
        if let Err(failure) = &now
            && (!matches!(failure.exit, Exit::Remote | Exit::Unavailable) || failure.is_unknown_method())
        {
            return Err(catalogue::with_advice(failure.clone(), options, &args.addr, &args.method).await);
        }
        if in_place {
            let heading = format!("{} {} every {} ms", args.addr, args.method, args.interval.as_millis());
            let shown = match (&before, &now) {
                (Some(Ok(before)), Ok(now)) => pretty::pretty(now, Some(before), output.palette),
                (_, Ok(now)) => pretty::pretty(now, None, output.palette),
                (_, Err(failure)) => printable(&failure.text).into_owned(),
            };
            output.screen(&heading, &shown)?;
        } else if before.as_ref() != Some(&now) {
            match &now {
                Ok(value) => output.reply(value)?,
                Err(failure) => say(&failure.text),
            }
        }
        before = Some(now);
    }
    Ok(())
}
