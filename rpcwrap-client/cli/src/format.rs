//! The forms output can have.

use clap::ValueEnum;

/// Forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON: indented on a terminal, one line per value in a pipe
    Json,
    /// Columns
    Table,
    /// Plain lines; texts without quotes
    Raw,
}
