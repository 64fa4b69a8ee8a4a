//! `rpcwrap call`: one call per JSON value, the replies on stdout.

use crate::{address::Address, args::Options, failure::Failure};

/// Call a method and print its reply
#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    /// The server
    #[arg(value_name = "ADDR")]
    addr: Address,
    /// Full name of the method, such as Arith.Multiply
    #[arg(value_name = "METHOD")]
    method: String,
}

/// Makes the calls.
pub(crate) async fn run(options: &Options, args: &CallArgs) -> Result<(), Failure> {
    let client = rpcwrap_client::Config::default()
        .connect_timeout(options.connect_timeout)
        .dial_http(args.addr.as_str(), options.codec.into())
        .await?;
    let reply: codecs::types::Any = client.call(&args.method, &()).await?;
    let _ = reply;
    Ok(())
}
