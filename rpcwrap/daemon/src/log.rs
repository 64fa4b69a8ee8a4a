//! The log: one subscriber on stderr whose filter can be changed while the program runs.

use crate::args::LogFormat;
use std::{
    env,
    io::{self, IsTerminal},
    panic,
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt,
    layer::SubscriberExt,
    reload::{self, Handle},
    util::SubscriberInitExt,
};

/// Changes the filter of the running log.
#[derive(Debug, Clone)]
pub(crate) struct Filter(Handle<EnvFilter, Registry>);

/// Starts the log. `RUST_LOG` wins over `filter`; without both it is `info`.
///
/// # Errors
/// The filter cannot be read; the text names it and where it came from.
pub(crate) fn start(format: LogFormat, filter: Option<&str>) -> Result<Filter, String> {
    let (_, filter) = read(filter).map_err(|(source, why)| format!("{source}: {why}"))?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            // A handler's panic would stand between the objects as plain text.
            panic::set_hook(Box::new(|panic| tracing::error!("{}", panic.to_string().replace('\n', " "))));
            lines.json().flatten_event(true).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(Filter(handle))
}

impl Filter {
    /// Replaces the filter, whatever `RUST_LOG` says.
    ///
    /// # Errors
    /// It cannot be read; the old one stays.
    pub(crate) fn set(&self, filter: &str) -> Result<(), String> {
        let filter = EnvFilter::try_new(filter).map_err(|error| format!("no log filter: {error}"))?;
        self.0.reload(filter).map_err(|error| error.to_string())
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
