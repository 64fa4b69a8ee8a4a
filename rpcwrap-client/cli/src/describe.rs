//! `rpcwrap describe`: services and methods with their types and descriptions.

use crate::{
    address::{Address, parse_method},
    catalogue::{self, Method, Service, skeleton},
    failure::Failure,
    format::Format,
    list,
    options::Options,
    output::Output,
    printable::printable,
    session::say,
};
use std::fmt::Write as _;

/// Describe a server, a service or a method
///
/// Types are named in Go's words where the server knows them, else in those of the server's language.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// Service or Service.Method; without it, everything
    #[arg(value_parser = parse_method)]
    name: Option<String>,
    /// Print a JSON argument for the method, to be filled in; says on stderr what is unknown
    #[arg(long, requires = "name")]
    template: bool,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap describe 127.0.0.1:7070
  rpcwrap describe :7070 Arith
  rpcwrap describe :7070 Arith.Multiply -o json
  rpcwrap describe :7070 Sleep.For --template";

/// Prints the description.
pub(crate) async fn run(options: &Options, args: &DescribeArgs) -> Result<(), Failure> {
    let services = catalogue::fetch(options, &args.addr).await?;
    let services = catalogue::select(services, args.name.as_deref())?;
    let output = Output::new(options);
    if args.template {
        return template(output, &services);
    }
    // Text is the form descriptions are made for, on a terminal and elsewhere.
    match options.output.unwrap_or(Format::Raw) {
        Format::Json => output.json(&services),
        Format::Table => list::table(output, &services),
        Format::Raw => output.print(text(output, &services).trim_end()),
    }
}

fn template(output: Output, services: &[Service]) -> Result<(), Failure> {
    let [Service { methods, .. }] = services else {
        return Err(Failure::usage("--template needs one method"));
    };
    let [method] = &methods[..] else { return Err(Failure::usage("--template needs Service.Method")) };
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(&method.template) {
        return output.json(&value);
    }
    let (value, unknown) = skeleton(&method.args);
    if let Some(name) = unknown {
        say(&format!("the server does not say what members {name} has"));
    }
    output.json(&value)
}

fn text(output: Output, services: &[Service]) -> String {
    let mut out = String::new();
    for service in services {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", output.palette.heading(&printable(&service.name)));
        indented(&mut out, &service.doc, "  ");
        for method in &service.methods {
            let _ = writeln!(out, "  {}{}", printable(&method.to_string()), marks(method));
            indented(&mut out, &method.doc, "      ");
        }
        out.push('\n');
    }
    out
}

/// What may be done with a method.
fn marks(method: &Method) -> &'static str {
    match (method.read_only, method.idempotent) {
        // Which is idempotent too.
        (Some(true), _) => "  (read-only)",
        (_, Some(true)) => "  (idempotent)",
        _ => "",
    }
}

fn indented(out: &mut String, text: &str, by: &str) {
    for line in printable(text).lines() {
        let _ = writeln!(out, "{by}{line}");
    }
}
