//! From a target to a connection that is ready for its first call: connect, CONNECT, login.
//!
//! The same steps as the client library's, but what comes out is the socket itself. It must not know what is sent on it.

use super::requests::login_method;
use crate::{
    bench::target::Target,
    transport::{self, Connected, Socket},
};
use bytes::BytesMut;
use codecs::{
    CallOptions, Limits, ReplyReader, connect,
    cram_md5::{self, Challenge, Proof},
};
use rpcwrap_client::{DialError, Error, Step};
use serde::{Serialize, de::DeserializeOwned, de::IgnoredAny};
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// A connection on which the server waits for calls.
#[derive(Debug)]
pub(super) struct Dialled {
    /// Does not block.
    pub(super) socket: socket2::Socket,
    /// Has read the replies to the login, if there was one.
    pub(super) reader: ReplyReader,
    /// Bytes that came with the last answer.
    pub(super) early: BytesMut,
}

/// Opens one connection within the target's `connect_timeout`.
pub(super) async fn dial(target: &Target) -> Result<Dialled, DialError> {
    let after = target.config.connect_timeout;
    let over = |_| DialError::Timeout { addr: target.addr.to_string(), after, step: Step::Connect };
    timeout(after, open(target)).await.map_err(over)?
}

async fn open(target: &Target) -> Result<Dialled, DialError> {
    let failed = |source| DialError::Connect { addr: target.addr.to_string(), source };
    let Connected { socket, .. } = transport::dial(&target.addr).await.map_err(failed)?;
    let (socket, reader, early) = match socket {
        Socket::Tcp(mut stream) => {
            let (reader, early) = prepare(&mut stream, target).await?;
            (stream.into_std().map_err(DialError::Io)?.into(), reader, early)
        }
        Socket::Unix(mut stream) => {
            let (reader, early) = prepare(&mut stream, target).await?;
            (stream.into_std().map_err(DialError::Io)?.into(), reader, early)
        }
    };
    Ok(Dialled { socket, reader, early })
}

/// CONNECT, and the login if there is one.
async fn prepare<S>(stream: &mut S, target: &Target) -> Result<(ReplyReader, BytesMut), DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    connect::encode_request(&connect::rpc_path(target.codec.name(), target.login.is_some()), &mut output);
    stream.write_all(&output).await.map_err(DialError::Io)?;
    while connect::decode_reply(&mut input)?.is_none() {
        read(stream, &mut input).await.map_err(DialError::Io)?;
    }
    let limits =
        Limits { max_message_bytes: target.config.max_message_bytes, max_depth: target.config.max_depth };
    let mut dialog = Dialog {
        stream,
        writer: target.codec.request_writer(),
        reader: target.codec.reply_reader(limits),
        input,
        seq: 0,
    };
    if let Some((user, secret)) = &target.login {
        dialog.log_in(user, secret).await.map_err(DialError::Login)?;
    }
    Ok((dialog.reader, dialog.input))
}

async fn read(stream: &mut (impl AsyncRead + Unpin), input: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(input).await? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")),
        _ => Ok(()),
    }
}

/// Calls one after the other, before the load.
struct Dialog<'s, S> {
    stream: &'s mut S,
    writer: codecs::RequestWriter,
    reader: ReplyReader,
    input: BytesMut,
    seq: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Dialog<'_, S> {
    async fn log_in(&mut self, user: &str, secret: &str) -> Result<(), Error> {
        let Challenge { challenge } = self.call(cram_md5::GET_NEW_CHALLENGE, "").await?;
        let proof = Proof { proof: cram_md5::proof(user, secret, &challenge) };
        let IgnoredAny = self.call(cram_md5::AUTHENTICATE, &proof).await?;
        Ok(())
    }

    async fn call<R: DeserializeOwned>(
        &mut self,
        name: &str,
        argument: &(impl Serialize + ?Sized),
    ) -> Result<R, Error> {
        let broken = |error| Error::Io(Arc::new(error));
        let mut output = BytesMut::new();
        let method = login_method(name);
        self.writer
            .encode(self.seq, &method, CallOptions::default(), argument, None, &mut output)
            .map_err(Error::Encode)?;
        self.stream.write_all(&output).await.map_err(broken)?;
        let reply = loop {
            match self.reader.decode(&mut self.input).map_err(Error::Protocol)? {
                Some(reply) if reply.seq() == self.seq => break reply,
                Some(_) => {}
                None => read(self.stream, &mut self.input).await.map_err(broken)?,
            }
        };
        self.seq += 1;
        match reply.error() {
            None => self.reader.body(&reply).map_err(Error::Decode),
            Some(error) => Err(Error::from(error)),
        }
    }
}
