//! `rpcwrap call`: one call per JSON value, the replies on stdout.

pub(crate) mod input;
mod numbers;

use crate::{
    address::{Address, parse_method},
    catalogue::{self, strange_members},
    codec_name::CodecName,
    failure::{Exit, Failure},
    options::Options,
    output::Output,
    session::{Session, say},
};
use codecs::{END_OF_STREAM, types::Any};
use futures_util::FutureExt;

pub(crate) use input::values;

/// Call a method and print its reply
///
/// Several JSON values, in the argument, a file or stdin, make one call each, in order, over one connection; each
/// reply is one line. The first call that fails ends the command. A method that streams is known from the server's own
/// description: every item is printed, and the end is waited for. JSON has no words for some floats: they are printed as
/// "NaN", "Infinity" and "-Infinity".
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CallArgs {
    /// The server: host:port, :port or unix:PATH
    addr: Address,
    /// Full name of the method, such as Arith.Multiply
    #[arg(value_parser = parse_method)]
    method: String,
    /// Its argument: JSON, @FILE, or - for stdin; without one, null
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    argument: Option<String>,
    /// The same as ARG
    #[arg(short, long, value_name = "ARG", conflicts_with = "argument", allow_negative_numbers = true)]
    data: Option<String>,
    /// The method is a streaming one, of a server that does not describe itself: print every item
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
    let mut values = values(args.argument.as_ref().or(args.data.as_ref()).map_or("null", String::as_str))?;
    // What is no JSON is said before a server is connected to.
    let Some(first) = values.recv().await else { return Ok(()) };
    let mut next = Some(first?);
    let session = Session::open(options, &args.addr).await?;
    let mut calls = Calls { session, args, output: Output::new(options), streaming: Streaming::Unknown };
    let mut number = 1;
    while let Some(argument) = next {
        if let Err(failure) = calls.call(argument).await {
            let failure = catalogue::with_advice(failure, options, &args.addr, &args.method).await;
            return Err(if number > 1 { failure.at(format_args!("value {number}")) } else { failure });
        }
        next = values.recv().await.transpose()?;
        number += 1;
    }
    Ok(())
}

/// How many replies a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streaming {
    /// The server has not been asked.
    Unknown,
    One,
    Many,
}

/// The calls of one command, over one connection.
struct Calls<'a> {
    session: Session,
    args: &'a CallArgs,
    output: Output,
    streaming: Streaming,
}

impl Calls<'_> {
    /// Makes one call and prints all it is answered with.
    async fn call(&mut self, value: Any) -> Result<(), Failure> {
        if self.streaming == Streaming::One {
            let argument = self.session.argument(value);
            return self.output.reply(&self.session.call(&self.args.method, &argument).await?);
        }
        let argument = self.session.argument(value.clone());
        let began = self.session.begin();
        let request = self.session.request(&self.args.method);
        let failed = |error| self.session.failure(error);
        let mut items = request.stream::<_, Any>(&argument).await.map_err(failed)?;
        let mut next = self.session.waited_for(items.next()).await;
        if next.is_none() && self.streaming == Streaming::Unknown {
            self.streaming = describe(&self.session, self.args, &value).await;
            // The end of a stream is an error with this text; of a method with one reply it is an error like others.
            if self.streaming == Streaming::One {
                return Err(Failure::new(Exit::Remote, format!("remote error: {END_OF_STREAM}")));
            }
        }
        while let Some(item) = next {
            let item = item.map_err(failed);
            if let Err(Failure { exit: Exit::Remote, .. }) = &item
                && self.streaming == Streaming::Unknown
            {
                // The error may come of what was misspelt.
                describe(&self.session, self.args, &value).await;
            }
            self.output.reply(&self.session.shown(item?))?;
            if self.streaming == Streaming::Unknown {
                self.streaming = describe(&self.session, self.args, &value).await;
            }
            next = match items.next().now_or_never() {
                Some(next) => next,
                None if self.streaming == Streaming::One => break,
                None => self.session.waited_for(items.next()).await,
            };
        }
        self.session.answered(began);
        Ok(())
    }
}

/// Asks the server how many replies the method has, and says what is strange about the argument.
///
/// Of a server that does not say, only `--stream` makes a method a streaming one.
async fn describe(session: &Session, args: &CallArgs, argument: &Any) -> Streaming {
    let Some(method) = catalogue::describe_method(session, &args.method).await else {
        return if args.stream { Streaming::Many } else { Streaming::One };
    };
    let any_case = session.codec == CodecName::Json;
    if let Some(strange) = strange_members(argument, &method.template, any_case) {
        say(&format!("warning: {}: {strange}", args.method));
    }
    match method.streaming {
        Some(true) => Streaming::Many,
        _ => {
            if args.stream {
                say(&format!("{} does not stream: one reply is all", args.method));
            }
            Streaming::One
        }
    }
}
