//! From an address to a connection on which both sides speak the same: what the options say, or what the server answers.
//!
//! The first try is CONNECT for JSON, or for the codec that was asked for. A server that answers in HTTP has other codecs
//! on other paths; one that is silent, or says something else, may speak a codec from the first byte on, as Go's
//! `rpc.ServeConn`. Which one is found out by a call of a method that is not there, each codec on a connection of its own.

use crate::{
    address::Address,
    codec_name::CodecName,
    connector::{Speech, with_login},
    failure::{Exit, FailedAt, Failure},
    options::Options,
    trace::{FirstByte, Traced, note},
};
use codecs::connect::{ConnectError, rpc_path};
use futures_util::{
    future::join,
    stream::{FuturesUnordered, StreamExt},
};
use rpcwrap_client::{
    AnyCodec, Config, Connector, DialError, Error, Step, TlsConfig, TlsError,
    connect::{Connected, Stream},
};
use serde::de::IgnoredAny;
use std::{
    future::pending,
    io::ErrorKind,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// After so long the first try is joined by the others.
const HEAD_START: Duration = Duration::from_millis(500);
/// Servers that have others than the first answer within this time, or not at all.
const PROBE: Duration = Duration::from_millis(1500);
/// Answered by every server, if only with an error.
const METHOD: &str = "_rpcwrap_.Ping";

/// A connection that is ready for its first call.
pub(crate) struct Opened {
    pub(crate) connector: Connector,
    pub(crate) speech: Speech,
    pub(crate) connected: Connected<Traced<Stream>>,
    /// With `-v` only.
    pub(crate) first_byte: Option<FirstByte>,
    /// What each step took, by name.
    pub(crate) phases: Vec<(&'static str, Duration)>,
}

/// Opens a connection; `config` gets its times and TLS from the options.
pub(crate) async fn open(options: &Options, addr: &Address, config: &Config) -> Result<Opened, Failure> {
    let Some(first) = first(options) else {
        let found = probe(options, addr, &raw(options)).await;
        let none = || {
            let text = format!("{addr} answers in no codec without CONNECT");
            Failure::new(Exit::Protocol, text).hint("leave out --no-connect")
        };
        return take(options, addr, config, found.ok_or_else(none)?).await;
    };
    let mut trying = pin!(take(options, addr, config, first));
    let head_start = HEAD_START.min(options.connect_timeout / 2);
    let ended = match timeout(head_start, &mut trying).await {
        Ok(ended) => ended,
        Err(_) => {
            let others = raw(options);
            let probing = async {
                match probe(options, addr, &others).await {
                    Some(found) => found,
                    None => pending().await,
                }
            };
            tokio::select! {
                ended = &mut trying => ended,
                found = probing => {
                    let silent = Failure::new(Exit::Protocol, format!("{addr} does not answer CONNECT"));
                    return take_if_wanted(options, addr, config, found, silent).await;
                }
            }
        }
    };
    let failure = match ended {
        Ok(opened) => return Ok(opened),
        Err(failure) => failure,
    };
    let others = match failure.at {
        FailedAt::Http => by_connect(options, first),
        FailedAt::Answer => raw(options),
        FailedAt::Elsewhere => return Err(failure),
    };
    let (found, is_tls) = join(probe(options, addr, &others), speaks_tls(options, addr, &failure)).await;
    match found {
        Some(found) => take_if_wanted(options, addr, config, found, failure).await,
        None if is_tls => {
            Err(Failure { exit: Exit::Tls, ..failure }.hint("the server speaks TLS: try --tls"))
        }
        None => {
            let hint = format!("{addr} is no Go-RPC server, or serves it elsewhere; is the port right?");
            Err(failure.hint(hint))
        }
    }
}

/// Finds out what is spoken, for commands that open connections by themselves.
pub(crate) async fn find(options: &Options, addr: &Address) -> Result<Speech, Failure> {
    Ok(open(options, addr, &Config::default()).await?.speech)
}

/// What is tried first; `None` if nothing is known.
fn first(options: &Options) -> Option<Speech> {
    let connect = !options.no_connect;
    match options.codec.codec() {
        Some(codec) => Some(Speech { codec, connect }),
        None => connect.then_some(Speech { codec: CodecName::Json, connect }),
    }
}

/// What may be spoken from the first byte on; there is no login then.
fn raw(options: &Options) -> Vec<Speech> {
    if options.user.is_some() {
        return Vec::new();
    }
    CodecName::ALL.map(|codec| Speech { codec, connect: false }).to_vec()
}

/// What may be asked for by CONNECT.
fn by_connect(options: &Options, tried: Speech) -> Vec<Speech> {
    let all = CodecName::ALL.map(|codec| Speech { codec, connect: !options.no_connect });
    all.into_iter().filter(|speech| *speech != tried).collect()
}

/// Opens a connection on which what was found is spoken, unless another codec was asked for: then `failure` says so.
async fn take_if_wanted(
    options: &Options,
    addr: &Address,
    config: &Config,
    found: Speech,
    failure: Failure,
) -> Result<Opened, Failure> {
    match options.codec.codec() {
        Some(codec) if codec != found.codec => Err(failure.hint(format!("the server answers with {found}"))),
        _ => take(options, addr, config, found).await,
    }
}

/// Opens a connection.
async fn take(options: &Options, addr: &Address, config: &Config, speech: Speech) -> Result<Opened, Failure> {
    let connector = with_login(options, config.clone(), speech)?;
    let dialled = async {
        let reached = connector.reach(addr.as_str()).await?;
        let mut phases = vec![("resolve", reached.resolved), ("connect", reached.connected)];
        phases.extend(reached.secured.map(|secured| ("TLS", secured)));
        let first_byte = (options.verbose > 0).then(FirstByte::default);
        let reached = reached.map(|stream| Traced::new(stream, first_byte.clone()));
        if first_byte.is_some() {
            note(&format!("connected to {addr}"));
        }
        let asked = Instant::now();
        let connected = connector.prepare(reached).await?;
        phases.push(("CONNECT", asked.elapsed()));
        Ok((connected, first_byte, phases))
    };
    let (connected, first_byte, phases) = dialled.await.map_err(|error| explained(options, error))?;
    Ok(Opened { connector, speech, connected, first_byte, phases })
}

fn explained(options: &Options, error: DialError) -> Failure {
    let at = match &error {
        DialError::Handshake(ConnectError::Refused { status: 503, .. }) => FailedAt::Elsewhere,
        DialError::Handshake(ConnectError::Refused { .. }) => FailedAt::Http,
        DialError::Handshake(_) | DialError::Io(_) => FailedAt::Answer,
        DialError::Timeout { step: Step::Handshake, .. } => FailedAt::Answer,
        _ => FailedAt::Elsewhere,
    };
    // The server's refusal of a certificate, or of none, is lost where it closes with bytes of ours unread.
    let is_cut = matches!(&error, DialError::Io(broken) if broken.kind() != ErrorKind::UnexpectedEof);
    let failure = Failure { at, ..error.into() };
    if is_cut && options.tls.tls && !options.tls.has_certificate() {
        let hint =
            "the server has cut the connection behind the TLS handshake: it may want a certificate, --cert";
        return Failure { exit: Exit::Tls, ..failure }.hint(hint);
    }
    failure
}

/// The first of these in which the server answers.
async fn probe(options: &Options, addr: &Address, all: &[Speech]) -> Option<Speech> {
    let mut probes: FuturesUnordered<_> = all.iter().map(|&speech| answers(options, addr, speech)).collect();
    while let Some(answered) = probes.next().await {
        if answered.is_some() {
            return answered;
        }
    }
    None
}

async fn answers(options: &Options, addr: &Address, speech: Speech) -> Option<Speech> {
    let mut config = Config::default().connect_timeout(PROBE.min(options.connect_timeout));
    config.tls = options.tls.config();
    let codec = AnyCodec::from(speech.codec);
    let path = rpc_path(codec.name(), options.user.is_some());
    let connector = Connector::new(codec).config(config).path(path);
    let asked = async {
        if speech.connect {
            return connector.connect(addr.as_str()).await.is_ok();
        }
        let Ok(client) = connector.without_connect().connect(addr.as_str()).await else { return false };
        let answer = client.call::<_, IgnoredAny>(METHOD, &()).await;
        matches!(answer, Ok(_) | Err(Error::Server { .. } | Error::Decode(_) | Error::Draining))
    };
    timeout(PROBE.min(options.connect_timeout), asked)
        .await
        .is_ok_and(|is_answered| is_answered)
        .then_some(speech)
}

/// Whether a server that does not answer as it should would do so under TLS.
async fn speaks_tls(options: &Options, addr: &Address, failure: &Failure) -> bool {
    if options.tls.tls || failure.at != FailedAt::Answer {
        return false;
    }
    let tls = TlsConfig::new().dangerous_accept_any_certificate();
    let config = Config::default().connect_timeout(PROBE.min(options.connect_timeout)).tls(tls);
    match Connector::new(AnyCodec::Json).config(config).reach(addr.as_str()).await {
        Ok(_) => true,
        Err(DialError::Tls { source, .. }) => {
            !matches!(source, TlsError::NotTls | TlsError::Io(_) | TlsError::Setup { .. })
        }
        Err(_) => false,
    }
}
