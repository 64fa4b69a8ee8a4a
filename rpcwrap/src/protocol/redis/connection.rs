//! One connection as commands see it: who the peer is, how it wants its replies, and the server behind it.

use super::{failure, names::Names, row::Row};
use crate::{
    admin::{self, Actor, Done, Operation, Refused, Right},
    call::{
        access::{Caller, may_know},
        registry::{Entry, LONGEST_COMMAND},
    },
    peer::Peer,
    protocol::ConnCx,
    session::{Answer, Control},
};
use bytes::BytesMut;
use codecs::resp::{ReplyEncoder, Version, Words};
use foldhash::fast::FixedState;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) names: Names,
    commands: HashMap<&'static [u8], &'static Row<Connection>, FixedState>,
    /// The same in the order they are shown.
    pub(super) rows: Vec<&'static Row<Connection>>,
}

impl Shared {
    pub(super) fn new(names: Names, rows: impl Iterator<Item = &'static Row<Connection>>) -> Self {
        let rows: Vec<_> = rows.collect();
        let commands = rows.iter().map(|row| (row.name.as_bytes(), *row)).collect();
        Self { names, commands, rows }
    }

    /// The command of that name, in any case.
    #[inline]
    pub(super) fn command(&self, name: &[u8]) -> Option<&'static Row<Connection>> {
        let mut upper = [0; LONGEST_COMMAND];
        let upper = upper.get_mut(..name.len())?;
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        self.commands.get(&*upper).copied()
    }
}

/// Which of a connection's replies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Silence {
    /// All.
    #[default]
    None,
    /// All but the next.
    Next,
    /// None.
    All,
}

/// One connection.
pub(super) struct Connection {
    pub(super) cx: ConnCx,
    pub(super) shared: Arc<Shared>,
    pub(super) encoder: ReplyEncoder,
    /// Nothing is answered before the peer has logged in.
    pub(super) must_log_in: bool,
    pub(super) silence: Silence,
    /// What is to hold once the login that is being checked has succeeded.
    hello: Option<(Arc<AtomicBool>, Version)>,
}

impl Connection {
    pub(super) fn new(cx: ConnCx, shared: Arc<Shared>) -> Self {
        Self {
            cx,
            shared,
            encoder: ReplyEncoder::default(),
            must_log_in: false,
            silence: Silence::None,
            hello: None,
        }
    }

    /// The peer as its calls are made.
    pub(super) fn peer(&self) -> Option<Arc<Peer>> {
        self.cx.tracked.peer()
    }

    /// Looks at what holds for the peer, after a login or a change of the policy.
    pub(super) fn look_again(&mut self) {
        let policy = self.cx.dispatch.live.policy();
        self.must_log_in = self.peer().is_some_and(|peer| Caller::new(&peer, &policy).lacks_login());
        if let Some((done, version)) = self.hello.take()
            && done.load(Relaxed)
        {
            self.encoder.set_version(version);
        }
    }

    /// From the login on that is marked there as done, replies are in that version.
    pub(super) fn set_version_after(&mut self, login: Arc<AtomicBool>, version: Version) {
        self.hello = Some((login, version));
    }

    /// Whether the peer is shown what monitors see.
    pub(super) fn is_monitor(&self) -> bool {
        let user = self.peer().and_then(|peer| peer.user.clone());
        let (peer, connection) = (&self.cx.peer_addr, self.cx.tracked.id);
        let actor = Actor { user: user.as_ref(), peer, connection, is_shown_locally: true };
        actor.check(&self.cx.dispatch.live, Right::Monitor).is_ok()
    }

    /// Answers that the peer is not shown what monitors see.
    pub(super) fn no_monitor(&self) -> Control {
        let user = self.peer().and_then(|peer| peer.user.clone());
        let why = match (self.cx.has_users(), user) {
            (false, _) => Refused::NoUsers,
            (true, None) => Refused::Unauthenticated,
            (true, Some(user)) => Refused::Denied { user: user.name().to_owned(), needs: Right::Monitor },
        };
        Control::Answer(refused(self.encoder, &why))
    }

    /// Which methods the peer may know of.
    pub(super) fn may_know(&self) -> impl Fn(&Entry) -> bool {
        let (policy, peer) = (self.cx.dispatch.live.policy_full(), self.peer());
        move |entry| {
            let user = peer.as_ref().and_then(|peer| peer.user.as_ref());
            may_know(&policy, user, entry.service_number, &entry.full_name)
        }
    }

    /// Does an operation if the peer may, and answers with what `then` makes of what was done.
    pub(super) fn operate(
        &self,
        operation: Operation,
        then: impl FnOnce(ReplyEncoder, Done) -> Answer + Send + 'static,
    ) -> Control {
        let (cx, encoder) = (self.cx.clone(), self.encoder);
        let user = self.peer().and_then(|peer| peer.user.clone());
        Control::wait(async move {
            let (peer, connection) = (&cx.peer_addr, cx.tracked.id);
            let actor = Actor { user: user.as_ref(), peer, connection, is_shown_locally: true };
            match admin::execute(&cx.dispatch.live, &actor, operation).await {
                Ok(done) => then(encoder, done),
                Err(why) => refused(encoder, &why),
            }
        })
    }

    /// Answers with a value.
    pub(super) fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Control {
        Control::Answer(self.answer(value))
    }

    /// The answer with a value, in the version that holds now.
    pub(super) fn answer<T: Serialize + ?Sized>(&self, value: &T) -> Answer {
        encoded(self.encoder, value)
    }

    /// Answers with an error.
    pub(super) fn error(&self, code: &str, text: &str) -> Control {
        Control::Answer(self.error_answer(code, text))
    }

    /// The answer with an error.
    pub(super) fn error_answer(&self, code: &str, text: &str) -> Answer {
        encoded_error(self.encoder, code, text)
    }

    /// Answers that it takes another number of words.
    pub(super) fn wrong_number(&self, name: &[u8]) -> Control {
        self.error("ERR", &failure::wrong_number(name, None))
    }

    /// Answers that a command has no such part.
    pub(super) fn unknown_part(&self, words: Words<'_>) -> Control {
        let (name, part) = (words.name(), words.get(1).unwrap_or_default());
        let text = format!(
            "unknown subcommand '{}'. Try {} HELP.",
            failure::shown(part, 128),
            failure::shown(name, 128).to_ascii_uppercase()
        );
        self.error("ERR", &text)
    }
}

/// The answer with a value as `encoder` writes it.
pub(super) fn encoded<T: Serialize + ?Sized>(encoder: ReplyEncoder, value: &T) -> Answer {
    let mut out = BytesMut::new();
    if let Err(error) = encoder.encode(value, &mut out) {
        encoder.encode_error("ERR", error.text(), &mut out);
    }
    Answer::from(out)
}

/// The answer with an error as `encoder` writes it.
pub(super) fn encoded_error(encoder: ReplyEncoder, code: &str, text: &str) -> Answer {
    let mut out = BytesMut::new();
    encoder.encode_error(code, text, &mut out);
    Answer::from(out)
}

/// The answer to an operation that was not done.
pub(super) fn refused(encoder: ReplyEncoder, why: &Refused) -> Answer {
    let (code, text) = match why {
        Refused::Unauthenticated => (failure::NOAUTH.0, failure::NOAUTH.1.to_owned()),
        Refused::NoUsers => ("NOPERM", format!("{why}: {NO_USERS}")),
        Refused::Denied { .. } => ("NOPERM", why.to_string()),
        _ => ("ERR", why.to_string()),
    };
    encoded_error(encoder, code, &text)
}

/// What makes admins.
const NO_USERS: &str = "give it some (Builder::credentials, rpcwrapd --auth-credentials FILE), one with the right \
    admin, and log in by AUTH";
