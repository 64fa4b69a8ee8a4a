//! Commands of the program that are for admins: checked, run as a call, and noted in the audit log.

use super::connection::{Connection, refused};
use crate::{
    admin::{self, Actor},
    call::{access::Caller, dispatch::Dispatch, in_flight::InFlightCall, registry::CommandEntry},
    error::CallError,
    live::{stats::Tally, watch},
    method::running::Written,
    peer::Peer,
    protocol::redis::failure,
    session::{Answer, Control},
};
use bytes::{Bytes, BytesMut};
use codecs::{
    Args, ReplyTo,
    resp::{ReplyEncoder, Words},
    text::{TextArgs, Token},
};
use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

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
    dispatch: &Arc<Dispatch>,
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
    dispatch: &Arc<Dispatch>,
    peer: &Arc<Peer>,
    command: &CommandEntry,
    words: &[Bytes],
    encoder: ReplyEncoder,
    out: &mut BytesMut,
) -> Result<(), CallError> {
    let mut call = start(dispatch, peer, command, words)?;
    loop {
        poll_fn(|cx| call.poll(cx)).await;
        match call.write(&mut ReplyTo::Resp(&encoder), out) {
            Written::Item | Written::Later => {}
            Written::End => return Ok(()),
            Written::Last(done) => return done.map_err(|error| *error),
        }
    }
}

fn start(
    dispatch: &Arc<Dispatch>,
    peer: &Arc<Peer>,
    command: &CommandEntry,
    words: &[Bytes],
) -> Result<InFlightCall, CallError> {
    let entry = &command.entry;
    let (now, live) = (Instant::now(), &dispatch.live);
    let policy = live.policy();
    let caller = Caller::new(peer, &policy);
    caller.may_call(entry.service_number, &entry.full_name)?;
    let tokens: Vec<_> = words.iter().map(|word| Token::Plain(word)).collect();
    let bytes_in = words.iter().map(Bytes::len).sum();
    let args = TextArgs::Alternating(&tokens);
    let args = Args::Text(&args, entry.options.types.args.as_ref());
    let mut tally = Tally::default();
    tally.start(bytes_in);
    let name = entry.full_name.as_bytes();
    let started = watch::within(|| dispatch.start(Some(entry), name, args, None, &caller, now));
    match started {
        Ok(started) => {
            tally.merge_into(&entry.stats);
            let started = started.enter_layers(peer, bytes_in, now);
            Ok(InFlightCall::new(live, started, peer, bytes_in, 0, now))
        }
        Err(refused) => {
            tally.finish(Duration::ZERO, true);
            tally.merge_into(&entry.stats);
            Err(refused.error)
        }
    }
}
