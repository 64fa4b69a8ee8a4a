//! The log: one subscriber on stderr whose filter can be changed while the program runs.
//!
//! From its start on nothing else writes to stderr, which may be a pipe that is not read: panics and the last words of
//! the program go the way of its lines.

use crate::{args::LogFormat, log_queue::LogQueue};
use rpcwrap::codecs::LogText;
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    env,
    io::{self, IsTerminal, Write},
    panic::{self, PanicHookInfo},
    sync::OnceLock,
    thread,
    time::Duration,
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt,
    layer::SubscriberExt,
    reload::{self, Handle},
    util::SubscriberInitExt,
};

/// How long the end of the program waits for lines to be written.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Bytes of a panic's message: enough for both sides of an assertion.
const PANIC_TEXT: usize = 1 << 10;

/// The lines of the running log.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// The running log: what changes its filter and counts its losses.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    filter: Handle<EnvFilter, Registry>,
    queue: LogQueue,
}

/// Starts the log. `RUST_LOG` wins over `filter`; without both it is `info`.
///
/// # Errors
/// The filter cannot be read; the text names it and where it came from. Or the system gives us no thread.
pub(crate) fn start(format: LogFormat, filter: Option<&str>) -> Result<Log, String> {
    let (_, filter) = read(filter).map_err(|(source, why)| format!("{source}: {why}"))?;
    let (filter, handle) = reload::Layer::new(filter);
    let queue = LogQueue::start(io::stderr()).map_err(|error| format!("no thread for the log: {error}"))?;
    let queue = QUEUE.get_or_init(|| queue).clone();
    let writer = queue.clone();
    // Else a value that cannot be formatted is reported on stderr itself.
    let lines = fmt::layer().with_writer(move || writer.clone()).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    panic::set_hook(Box::new(log_panic));
    Ok(Log { filter: handle, queue })
}

/// What the default hook says, as one line of the log. Its message may quote what a peer has sent.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let (fixed, made) = (panic.payload().downcast_ref::<&str>(), panic.payload().downcast_ref::<String>());
    let why = fixed.copied().or(made.map(String::as_str)).unwrap_or("Box<dyn Any>");
    let why = LogText::new(why).up_to(PANIC_TEXT);
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(%backtrace, "thread '{name}' panicked at {place}: {why:#}");
    } else {
        tracing::error!("thread '{name}' panicked at {place}: {why:#}");
    }
}

/// Says the last words of the program, a line each: behind those of the log where there is one.
pub(crate) fn last_words(text: &str) {
    let say = |mut out: Box<dyn Write>| {
        for line in text.lines() {
            // With stderr closed there is nowhere to say it.
            let _ = out.write_all(format!("rpcwrapd: {line}\n").as_bytes());
        }
    };
    match QUEUE.get() {
        Some(queue) => say(Box::new(queue.clone())),
        None => say(Box::new(io::stderr())),
    }
}

/// Has the lines of the log written, as far as that does not take long; for the end of the program.
pub(crate) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_LIMIT);
    }
}

impl Log {
    /// Lines that were dropped because stderr was not read.
    pub(crate) fn dropped_lines(&self) -> u64 {
        self.queue.dropped()
    }

    /// Replaces the filter, whatever `RUST_LOG` says.
    ///
    /// # Errors
    /// It cannot be read; the old one stays.
    pub(crate) fn set_filter(&self, filter: &str) -> Result<(), String> {
        let filter = EnvFilter::try_new(filter).map_err(|error| format!("no log filter: {error}"))?;
        self.filter.reload(filter).map_err(|error| error.to_string())
    }
}

/// The filter that [`start`] chooses, as text and ready.
///
/// # Errors
/// Where the filter comes from, `RUST_LOG` or `log`, and what is wrong with it.
pub(crate) fn read(from_file: Option<&str>) -> Result<(String, EnvFilter), (&'static str, String)> {
    let from_env = env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let (source, text) = match (&from_env, from_file) {
        (Some(text), _) => (EnvFilter::DEFAULT_ENV, text.as_str()),
        (None, Some(text)) => ("log", text),
        (None, None) => ("log", "info"),
    };
    match EnvFilter::try_new(text) {
        Ok(filter) => Ok((text.to_owned(), filter)),
        Err(error) => Err((source, format!("{text:?} is no log filter: {error}"))),
    }
}
