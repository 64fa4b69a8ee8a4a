//! `rpcwrap proxy`: relays bytes, shows them, and breaks connections in the ways networks do.
//!
//! This file accepts and connects; [`relay`] moves the bytes, [`fault`] decides what goes wrong, [`record`] writes down
//! what happened.

mod fault;
mod record;
mod relay;

#[cfg(test)]
mod tests;

use crate::{connector::connector, failure::Failure, options::Options};
use fault::Faults;
use record::{Event, Record};
use relay::{Relay, reset};
use rpcwrap_client::{
    Config, Connector, DialError,
    connect::{Reached, Stream},
};
use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::sleep,
};

/// After a failed accept, which mostly means that there are no descriptors left.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// Relay connections to a server, record what passes, and break things on request.
///
/// Prints `listening on ADDR`, then relays bytes of any protocol until Ctrl-C. Half-closed connections stay half
/// open, resets are passed on, and at most 1 MiB per direction waits in here.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProxyArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// Server to relay to
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// Write every chunk, with time, connection and direction, as hex and text to FILE; - is standard output
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Faults of every connection, such as delay=50ms,loss=1%,reset=0.1%,stall=2s
    ///
    /// delay: every chunk arrives that much later. loss: with this probability a chunk vanishes; as what follows a
    /// gap cannot be delivered, the connection is silent in both directions from there on, until one side closes it.
    /// reset: with this probability a chunk is answered with a reset of both sides. stall: once per connection,
    /// when the client sends for the first time after the server has, nothing moves for that long. A chunk is
    /// what one read took, at most 16 KiB.
    #[arg(long, value_name = "FAULTS", default_value = "delay=0s", hide_default_value = true)]
    fault: Faults,
    /// Number that decides which chunks are hit; the same for the same chunks [default: another each time]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  rpcwrap proxy --listen :7071 --to :7070 --dump -
  rpcwrap proxy --listen :7071 --to :7070 --fault delay=50ms,loss=1%,reset=0.1%,stall=2s --seed 7";

/// What all connections share.
struct Proxy {
    to: String,
    faults: Faults,
    seed: u64,
    connector: Connector,
    record: Record,
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// The address cannot be listened on, or the file not written.
pub(crate) async fn run(options: &Options, args: &ProxyArgs) -> Result<(), Failure> {
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    let listener = TcpListener::bind(full_address(&args.listen))
        .await
        .map_err(|error| Failure::usage(format!("cannot listen on {}: {error}", args.listen)))?;
    let addr = listener.local_addr().map_err(|error| Failure::usage(error.to_string()))?;
    // Before it says that it runs, for from then on it may be told to end.
    let mut interrupts = signal(SignalKind::interrupt())
        .map_err(|error| Failure::usage(format!("cannot wait for Ctrl-C: {error}")))?;
    let sink = args.dump.as_deref().map(open).transpose()?;
    writeln!(io::stdout(), "listening on {addr}").map_err(|error| Failure::output(&error))?;
    if args.fault != Faults::default() {
        // To be typed again when a run is to be repeated; when stderr is closed it cannot be said.
        let _ = writeln!(io::stderr(), "rpcwrap: faults with --seed {seed}");
    }
    let proxy = Proxy {
        to: full_address(&args.to),
        faults: args.fault,
        seed,
        connector: connector(&Options { tls: Default::default(), ..options.clone() }, Config::default()),
        record: Record::new(sink),
    };
    tokio::select! {
        () = Arc::new(proxy).accept(&listener) => Ok(()),
        _ = interrupts.recv() => Ok(()),
    }
}

/// `:port` is this machine.
fn full_address(addr: &str) -> String {
    if addr.starts_with(':') { format!("127.0.0.1{addr}") } else { addr.to_owned() }
}

fn open(file: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    match File::create(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::usage(format!("{}: {error}", file.display()))),
    }
}

impl Proxy {
    /// Accepts for ever; dropped, it ends every connection.
    async fn accept(self: Arc<Self>, listener: &TcpListener) {
        let mut connections = JoinSet::new();
        let mut number = 0;
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => {
                        number += 1;
                        let proxy = self.clone();
                        connections.spawn(async move { proxy.serve(client, number).await });
                    }
                    Err(error) => {
                        let _ = writeln!(io::stderr(), "rpcwrap: cannot accept: {error}");
                        sleep(PAUSE_AFTER_ERROR).await;
                    }
                },
                // Ended tasks are taken out, so that they do not pile up.
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn serve(&self, client: TcpStream, number: u64) {
        if let Ok(addr) = client.peer_addr() {
            self.write_record(number, Event::Open { client: addr, to: &self.to });
        }
        let server = match self.reach().await {
            Ok(server) => server,
            Err(error) => {
                self.write_record(number, Event::NoServer(&error));
                return reset(&client);
            }
        };
        // A relay adds no waiting of its own; a socket that is gone says so when it is read.
        let _ = client.set_nodelay(true);
        let write_record = |event: Event<'_>| self.write_record(number, event);
        Relay::new(self.faults, self.seed, number, write_record).run(client, server).await;
    }

    async fn reach(&self) -> io::Result<TcpStream> {
        match self.connector.reach(&self.to).await {
            Ok(Reached { stream: Stream::Tcp(server), .. }) => Ok(server),
            Err(DialError::Connect { source, .. }) => Err(source),
            Err(DialError::Timeout { .. }) => Err(io::ErrorKind::TimedOut.into()),
            // Neither unix sockets nor TLS.
            Ok(_) | Err(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn write_record(&self, number: u64, event: Event<'_>) {
        if let Err(error) = self.record.write(number, event) {
            let _ = writeln!(io::stderr(), "rpcwrap: the record ends here: {error}");
        }
    }
}
