//! `rpcwrap list`: the methods of a server.

use crate::{
    address::Address,
    catalogue::{self, Method, Service},
    failure::Failure,
    format::Format,
    options::Options,
    output::{self, Output},
};

/// List the methods of a server
///
/// Asks servers of ours by `_rpcwrap_.Describe`, others by the page /debug/rpc that Go's servers have. In a pipe: one
/// full name per line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap list 127.0.0.1:7070
  rpcwrap list :7070 -o table
  rpcwrap list :7070 -o json";

/// Prints the list.
pub(crate) async fn run(options: &Options, args: &ListArgs) -> Result<(), Failure> {
    let services = catalogue::fetch(options, &args.addr).await?;
    let output = Output::new(options);
    match output.list_format() {
        Format::Json => output.json(&services),
        Format::Table => table(output, &services),
        Format::Raw => catalogue::methods(&services).try_for_each(|(name, _)| output.print(&name)),
    }
}

/// One row per method.
pub(crate) fn table(output: Output, services: &[Service]) -> Result<(), Failure> {
    let row = |(name, method): (String, &Method)| {
        let summary = method.doc.lines().next().unwrap_or_default().to_owned();
        let safe = if method.read_only == Some(true) { "read-only" } else { "" };
        vec![name, method.args.clone(), method.replies(), safe.to_owned(), summary]
    };
    let rows: Vec<_> = catalogue::methods(services).map(row).collect();
    output.print(&output::table(&["METHOD", "ARGUMENT", "REPLY", "", "DOC"], &rows))
}
