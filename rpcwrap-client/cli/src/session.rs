//! One connection of a command, opened as the options say: codec, login, time limits, trace.

use crate::{
    address::Address,
    argument::Argument,
    codec_name::CodecName,
    failure::Failure,
    open::{Opened, open},
    options::Options,
    pretty,
    trace::{FirstByte, note},
    units::format_duration,
};
use codecs::types::Any;
use rpcwrap_client::{Client, Config, Error, Request, TlsError};
use std::{
    future::Future,
    io::{self, Write as _},
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Bytes of a stream that may wait to be printed. More than the connection's task can read between two turns of the
/// command, whose thread it shares: 61 polls of 16 reads of 16 KiB.
const STREAM_BUFFER_BYTES: usize = 64 << 20;
/// A wait without a limit that lasts so long is told of.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client, and what `-v` and `--max-time` want to know of it.
pub(crate) struct Session {
    client: Client,
    addr: Address,
    started: Instant,
    max_time: Option<Duration>,
    /// With `-v` only.
    first_byte: Option<FirstByte>,
    show_phases: bool,
    pub(crate) codec: CodecName,
}

impl Session {
    /// Connects, sends CONNECT and logs in.
    pub(crate) async fn open(options: &Options, addr: &Address) -> Result<Self, Failure> {
        let started = Instant::now();
        // The server is asked for codes and data of errors, which others than ours do not know and skip.
        let config = Config::default()
            .extensions(true)
            .stream_buffer_items(usize::MAX)
            .stream_buffer_bytes(STREAM_BUFFER_BYTES);
        let Opened { connector, speech, connected, first_byte, phases } =
            open(options, addr, &config).await?;
        let session = Self {
            client: connector.start(connected),
            addr: addr.clone(),
            started,
            max_time: options.max_time,
            first_byte,
            show_phases: options.verbose > 1,
            codec: speech.codec,
        };
        session.phases(&phases);
        Ok(session)
    }

    /// A call that the server, too, knows to be over when `--max-time` is.
    pub(crate) fn request<'s>(&'s self, method: &'s str) -> Request<'s> {
        let request = self.client.request(method);
        match self.max_time {
            Some(limit) => request.timeout(limit.saturating_sub(self.started.elapsed())),
            None => request,
        }
    }

    /// Calls a method; the reply as a value to show.
    pub(crate) async fn call(&self, method: &str, argument: &Argument) -> Result<Any, Failure> {
        let began = self.begin();
        let called = self.waited_for(self.request(method).call(argument)).await;
        let reply = called.map_err(|error| self.failure(error))?;
        self.answered(began);
        Ok(self.shown(reply))
    }

    /// Waits for an answer, and says so where nothing else ends the wait.
    pub(crate) async fn waited_for<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        if self.max_time.is_none() {
            match timeout(PATIENCE, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) => say(&format!(
                    "no answer from {} for {} s; waiting on, until Ctrl-C (--max-time sets a limit)",
                    self.addr,
                    PATIENCE.as_secs()
                )),
            }
        }
        answer.await
    }

    /// An argument in the form the session's codec wants.
    pub(crate) fn argument(&self, value: Any) -> Argument {
        Argument::new(value, self.codec)
    }

    /// A reply as people read it: where a codec has one kind for texts and bytes, what looks like a text is one.
    pub(crate) fn shown(&self, reply: Any) -> Any {
        let reply = pretty::in_json(reply);
        if self.codec == CodecName::Bson { pretty::with_texts(reply) } else { reply }
    }

    /// What a call's error means to the command; of its time limits only `--max-time` is the user's.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        match (error, self.max_time) {
            (Error::Timeout { .. }, Some(limit)) => Failure::out_of_time(limit),
            // The verdict on our certificate comes behind the handshake, in place of a reply.
            (Error::Io(broken), _) => match TlsError::from_io(&broken) {
                Some(refused) => Failure::no_tls(&self.addr, &refused),
                None => Error::Io(broken).into(),
            },
            (error, _) => error.into(),
        }
    }

    /// Forgets what came before, so that [`answered`](Self::answered) speaks of one call.
    pub(crate) fn begin(&self) -> Instant {
        if let Some(first_byte) = &self.first_byte {
            first_byte.take();
        }
        Instant::now()
    }

    /// Says, with `-vv`, how long the call that began then has taken.
    pub(crate) fn answered(&self, began: Instant) {
        let first = self.first_byte.as_ref().and_then(FirstByte::take);
        let first = first.unwrap_or(began).saturating_duration_since(began);
        self.phases(&[("first byte", first), ("call", began.elapsed()), ("total", self.started.elapsed())]);
    }

    fn phases(&self, phases: &[(&str, Duration)]) {
        if self.show_phases {
            let text: Vec<_> =
                phases.iter().map(|(name, time)| format!("{name} {}", format_duration(*time))).collect();
            note(&text.join(", "));
        }
    }
}

/// A line for people, beside what is printed.
pub(crate) fn say(text: &str) {
    // That stderr is closed could only be said on stderr.
    let _ = writeln!(io::stderr(), "rpcwrap: {}", crate::printable::printable(text));
}
