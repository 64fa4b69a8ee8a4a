//! `rpcwrap call`: one call per JSON value, the replies on stdout.

pub(crate) mod input;

use crate::{
    address::Address, argument::Argument, failure::Failure, options::Options, output::Output,
    session::Session,
};
use codecs::types::Any;

pub(crate) use input::values;

/// Call a method and print its reply
///
/// Several JSON values, in the argument, a file or stdin, make one call each, in order, over one connection; each
/// reply is one line. The first call that fails ends the command.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CallArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// Full name of the method, such as Arith.Multiply
    method: String,
    /// Its argument: JSON, @FILE, or - for stdin; without one, null
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    argument: Option<String>,
    /// The same as ARG
    #[arg(short, long, value_name = "ARG", conflicts_with = "argument", allow_negative_numbers = true)]
    data: Option<String>,
    /// The method is a streaming one: print every item
    #[arg(long)]
    stream: bool,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap call 127.0.0.1:7070 Arith.Multiply '{\"A\":7,\"B\":8}'
  rpcwrap call :7070 Arith.Divide '{\"A\":7,\"B\":2}' --codec bson -o table
  rpcwrap call :7070 Count.Up '{\"To\":3}' --stream
  rpcwrap call :7070 Sleep.For 10 --max-time 2s -vv
  rpcwrap call :7070 Echo.Any @args.json
  printf '{\"A\":1,\"B\":2}\\n{\"A\":3,\"B\":4}\\n' | rpcwrap call :7070 Arith.Multiply -
  rpcwrap call :7070 Echo.Any null --user ala --password-file secret.txt
  rpcwrap call unix:/run/rpcwrapd.sock Echo.Any '\"hi\"' -v";

/// Makes the calls.
pub(crate) async fn run(options: &Options, args: &CallArgs) -> Result<(), Failure> {
    let output = Output::new(options);
    let mut values = values(args.argument.as_ref().or(args.data.as_ref()).map_or("null", String::as_str))?;
    // What is no JSON is said before a server is connected to.
    let Some(first) = values.recv().await else { return Ok(()) };
    let mut next = Some(first?);
    let session = Session::open(options, &args.addr).await?;
    let mut number = 1;
    while let Some(argument) = next {
        let called = call(&session, args, &session.argument(argument), output).await;
        called.map_err(
            |failure| if number > 1 { failure.at(format_args!("value {number}")) } else { failure },
        )?;
        next = values.recv().await.transpose()?;
        number += 1;
    }
    Ok(())
}

async fn call(
    session: &Session,
    args: &CallArgs,
    argument: &Argument,
    output: Output,
) -> Result<(), Failure> {
    if !args.stream {
        return output.reply(&session.call(&args.method, argument).await?);
    }
    let began = session.begin();
    let failed = |error| session.failure(error);
    let mut items = session.request(&args.method).stream::<_, Any>(argument).await.map_err(failed)?;
    while let Some(item) = items.next().await {
        output.reply(&session.shown(item.map_err(failed)?))?;
    }
    session.answered(began);
    Ok(())
}
