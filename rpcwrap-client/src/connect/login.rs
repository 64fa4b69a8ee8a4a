//! The login of vitess: the first two calls of a connection, made before there is a client.
//!
//! A challenge `{Challenge}` is asked for and answered with `{Proof}`, see [`cram_md5`]; the secret itself is never
//! sent. Source: vitess `go/rpcwrap` `DialAuthHTTP`.

use super::connected::Connected;
use crate::{
    config::Config,
    deadline::{Deadline, call_options},
    duplex::Duplex,
    error::Error,
};
use bytes::BytesMut;
use codecs::{
    CallOptions, Reply,
    cram_md5::{self, Challenge, Proof},
};
use serde::{Serialize, de::DeserializeOwned, de::IgnoredAny};
use std::{fmt, io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout_at,
};

/// Who logs in, and the proof of it.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) secret: String,
}

/// The secret is never part of the text.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Makes the two calls.
pub(super) async fn log_in(
    connected: &mut Connected<impl Duplex>,
    login: &Login,
    config: &Config,
) -> Result<(), Error> {
    let Challenge { challenge } = call(connected, config, cram_md5::GET_NEW_CHALLENGE, "").await?;
    let proof = Proof { proof: cram_md5::proof(&login.user, &login.secret, &challenge) };
    let IgnoredAny = call(connected, config, cram_md5::AUTHENTICATE, &proof).await?;
    Ok(())
}

/// One call as a client of this config makes it, with nothing else in flight.
async fn call<R: DeserializeOwned>(
    connected: &mut Connected<impl Duplex>,
    config: &Config,
    name: &str,
    args: &(impl Serialize + ?Sized),
) -> Result<R, Error> {
    let deadline = config.call_timeout.and_then(Deadline::new);
    let called = exchange(connected, call_options(deadline, config), name, args);
    let reply = match deadline {
        Some(deadline) => timeout_at(deadline.at, called).await.map_err(|_| deadline.error(true))??,
        None => called.await?,
    };
    match reply.error() {
        None => connected.reader.body(&reply).map_err(Error::Decode),
        Some(error) => Err(Error::from_reply(error, deadline.map(|deadline| deadline.after))),
    }
}

async fn exchange(
    connected: &mut Connected<impl Duplex>,
    options: CallOptions,
    name: &str,
    args: &(impl Serialize + ?Sized),
) -> Result<Reply, Error> {
    let lost = |error| Error::Io(Arc::new(error));
    let seq = connected.next_seq;
    let mut request = BytesMut::new();
    let method = format!("{}.{name}", cram_md5::SERVICE);
    connected.writer.encode(seq, &method, options, args, None, &mut request).map_err(Error::Encode)?;
    connected.next_seq += 1;
    connected.stream.write_all(&request).await.map_err(lost)?;
    connected.stream.flush().await.map_err(lost)?;
    loop {
        match connected.reader.decode(&mut connected.prefix).map_err(Error::Protocol)? {
            Some(reply) if reply.seq() == seq => return Ok(reply),
            Some(_) => {}
            None if connected.stream.read_buf(&mut connected.prefix).await.map_err(lost)? == 0 => {
                return Err(lost(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")));
            }
            None => {}
        }
    }
}
