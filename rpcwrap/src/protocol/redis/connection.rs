//! One connection as commands see it: who the peer is, how it wants its replies, and the server behind it.

use super::{failure, names::Names, row::Row};
use crate::{
    call::access::Caller,
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
        const LONGEST: usize = 32;
        let mut upper = [0; LONGEST];
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
        let mut out = BytesMut::new();
        self.encoder.encode_error(code, text, &mut out);
        Answer::from(out)
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
