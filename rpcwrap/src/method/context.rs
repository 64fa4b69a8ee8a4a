//! What a handler may know of its call, made only for handlers that ask.

use crate::{
    method::blocking::Turn,
    peer::{Peer, PeerAddr, TlsInfo},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::sync::Notify;

/// What a handler may know of its call beside the arguments.
///
/// Cheap to clone. Take it as the first of two arguments: `|cx: Context, args: Args| async move { … }`.
#[derive(Debug, Clone)]
pub struct Context {
    peer: Arc<Peer>,
    deadline: Option<Instant>,
    cancellation: Cancellation,
}

impl Context {
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// The address of the caller.
    pub fn peer_addr(&self) -> &PeerAddr {
        &self.peer.addr
    }

    /// The authenticated user, if the connection has one.
    pub fn user(&self) -> Option<&str> {
        self.peer.user()
    }

    /// What TLS has established of the caller's connection, the name in its certificate among it; `None` if it is
    /// plain.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.peer.tls()
    }

    /// The protocol the call came by: `go_rpc`, `http`, …
    pub fn protocol(&self) -> &'static str {
        self.peer.protocol
    }

    /// The codec the call came in: `bson`, `json`, …; empty for in-process calls.
    pub fn codec(&self) -> &str {
        &self.peer.codec
    }

    /// When the call ends whether it is done or not.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the reply is not waited for any more: cancelled, out of time, answered, or the connection is gone.
    ///
    /// A handler polled on its connection (the default) is dropped then; `blocking` ones have to ask.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.0.over.load(Ordering::Acquire)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled).
    pub async fn cancelled(&self) {
        let wait = self.cancellation.0.wake.notified();
        let mut wait = std::pin::pin!(wait);
        wait.as_mut().enable();
        if !self.is_cancelled() {
            wait.await;
        }
    }
}

#[derive(Debug, Clone)]
struct Cancellation(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    over: AtomicBool,
    wake: Notify,
}

/// Held by the running call; when it goes, every [`Context`] of the call knows.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Option<Cancellation>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancellation) = &self.0 {
            cancellation.0.over.store(true, Ordering::Release);
            cancellation.0.wake.notify_waiters();
        }
    }
}

/// From which a handler that wants a [`Context`] gets one; handlers that do not pay nothing.
#[derive(Debug)]
pub struct ContextSource<'a> {
    /// Full name of the method.
    pub(crate) name: &'a str,
    pub(crate) peer: &'a Arc<Peer>,
    pub(crate) deadline: Option<Instant>,
    cancellation: Option<Cancellation>,
    /// Of a call to a blocking method, until the method takes it.
    turn: Option<&'a mut Option<Turn>>,
}

impl<'a> ContextSource<'a> {
    pub(crate) fn new(name: &'a str, peer: &'a Arc<Peer>, deadline: Option<Instant>) -> Self {
        Self { name, peer, deadline, cancellation: None, turn: None }
    }

    /// The function runs when it has a thread by `turn`.
    pub(crate) fn set_turn(&mut self, turn: &'a mut Option<Turn>) {
        self.turn = Some(turn);
    }

    pub(super) fn take_turn(&mut self) -> Option<Turn> {
        self.turn.take().and_then(Option::take)
    }

    pub(crate) fn context(&mut self) -> Context {
        let cancellation =
            self.cancellation.get_or_insert_with(|| Cancellation(Arc::new(CancelState::default()))).clone();
        Context { peer: self.peer.clone(), deadline: self.deadline, cancellation }
    }

    pub(super) fn guard(self) -> CancelOnDrop {
        CancelOnDrop(self.cancellation)
    }

    /// What it is made of, for a handler that is called when the request is gone.
    pub(super) fn keep(self) -> KeptSource {
        let Self { name, peer, deadline, turn, .. } = self;
        let turn = turn.and_then(Option::take);
        KeptSource { name: name.to_owned(), peer: peer.clone(), deadline, turn }
    }
}

/// A [`ContextSource`] that borrows nothing.
pub(super) struct KeptSource {
    name: String,
    peer: Arc<Peer>,
    deadline: Option<Instant>,
    turn: Option<Turn>,
}

impl KeptSource {
    pub(super) fn source(&mut self) -> ContextSource<'_> {
        let source = ContextSource::new(&self.name, &self.peer, self.deadline);
        ContextSource { turn: Some(&mut self.turn), ..source }
    }
}
