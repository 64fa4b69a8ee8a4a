//! Commands of the program that are for admins: checked, run as a call, and noted in the audit log.

use super::connection::{Connection, refused};
use crate::{
    admin::{self, Actor},
    call::{
        access::Caller,
        attempt::{Attempt, start_aside},
        dispatch::Dispatch,
        registry::CommandEntry,
    },
    error::CallError,
    method::running::Written,
    peer::Peer,
    protocol::redis::failure,
    session::{Answer, Control},
};
use bytes::{Bytes, BytesMut};
use codecs::{
    ReplyTo,
    resp::{ReplyEncoder, Words},
    text::{TextArgs, Token},
};
use std::{future::poll_fn, sync::Arc};

/// Runs the command of the program that the first of `words` names, if that is one for admins.
pub(super) fn admin_command(connection: &Connection, words: Words<'_>, request: &Bytes) -> Option<Control> {
    let (cx, encoder) = (connection.cx.clone(), connection.encoder);
    let command = cx.dispatch.registry.command(words.name())?;
    if !command.admin {
        return None;
    }
    let name = command.entry.full_name.clone();
    let words: Vec<Bytes> = words.skip(1).iter().map(|word| request.slice_ref(word)).collect();
    let peer = connection.peer()?;
    Some(Control::wait(async move {
        let actor = Actor {
            user: peer.user.as_ref(),
            peer: &cx.peer_addr,
            connection: cx.tracked.id,
            is_shown_locally: true,
        };
        let run = run(&cx.dispatch, &peer, name.as_bytes(), &words, encoder);
        match admin::run_command(&cx.dispatch.live, &actor, name.to_string(), run).await {
            Ok(reply) => Answer::from(reply),
            Err(why) => refused(encoder, &why),
        }
    }))
}

/// The reply, and whether it is one.
async fn run(
    dispatch: &Dispatch,
    peer: &Arc<Peer>,
    name: &[u8],
    words: &[Bytes],
    encoder: ReplyEncoder,
) -> (BytesMut, Result<(), String>) {
    let mut out = BytesMut::new();
    let done = match dispatch.registry.command(name) {
        Some(command) => call(dispatch, peer, command, words, encoder, &mut out).await,
        None => Ok(()),
    };
    let outcome = done.map_err(|error| {
        failure::write(encoder, &error, Some(name), &mut out);
        error.to_string()
    });
    (out, outcome)
}

async fn call(
    dispatch: &Dispatch,
    peer: &Arc<Peer>,
    command: &CommandEntry,
    words: &[Bytes],
    encoder: ReplyEncoder,
    out: &mut BytesMut,
) -> Result<(), CallError> {
    let bytes_in = words.iter().map(Bytes::len).sum();
    let start = |attempt: Attempt| {
        let tokens: Vec<_> = words.iter().map(|word| Token::Plain(word)).collect();
        let args = TextArgs::Alternating(&tokens);
        let start = |caller: &Caller<'_>| dispatch.start_command(command, &args, caller, attempt.read);
        dispatch.put_in_flight(peer, bytes_in, attempt, start)
    };
    let mut call = start_aside(bytes_in, start).await?;
    loop {
        poll_fn(|cx| call.poll(cx)).await;
        match call.write(&mut ReplyTo::Resp(&encoder), out) {
            Written::Item | Written::Later => {}
            Written::End => return Ok(()),
            Written::Last(done) => return done.map_err(|error| *error),
        }
    }
}
