//! `rpcwrap list`: the methods of a server.

use crate::{
    address::Address,
    catalogue::{self, Service},
    failure::{Failure, printable},
    format::Format,
    options::Options,
    output::Output,
};

/// List the methods of a server
///
/// Asks servers of ours by `_rpcwrap_.Describe`, others by the page /debug/rpc that Go's servers have. In a pipe: one
/// full name per line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// The server: host:port, :port or unix:PATH
    #[arg(value_name = "ADDR")]
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
        Format::Raw => names(&services).try_for_each(|name| output.print(&printable(&name))),
    }
}

fn names(services: &[Service]) -> impl Iterator<Item = String> {
    let of = |service: &Service| -> Vec<String> {
        service.methods.iter().map(|method| format!("{}.{}", service.name, method.name)).collect()
    };
    services.iter().flat_map(of)
}

/// One row per method.
pub(crate) fn table(output: Output, services: &[Service]) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for service in services {
        for method in &service.methods {
            let stream = if method.streaming == Some(true) { "stream of " } else { "" };
            rows.push(vec![
                format!("{}.{}", service.name, method.name),
                method.args.clone(),
                format!("{stream}{}", method.reply),
                method.doc.lines().next().unwrap_or_default().to_owned(),
            ]);
        }
    }
    output.table(&["METHOD", "ARGUMENT", "REPLY", "DOC"], &rows)
}
