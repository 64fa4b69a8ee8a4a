//! The listeners of one server: those that accept, and those that will once the process before stops.

use super::{
    bind::lookup,
    front::FrontThread,
    inherited::{Inherited, Name},
    listen::{ListenAddr, Listener},
};
use crate::{lock::lock, protocol::Port};
use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, watch},
    task::JoinHandle,
};

#[derive(Default)]
pub(super) struct Listeners {
    state: Mutex<State>,
    front: FrontThread,
    /// Whether another process has the sockets now.
    handed_over: watch::Sender<bool>,
    /// Held by the restart that is under way.
    pub(super) restart: AsyncMutex<()>,
}

#[derive(Default)]
struct State {
    open: Vec<Open>,
    /// Where those are, and those that are held.
    bound: Vec<ListenAddr>,
    /// The sockets of the process before that no address was opened for yet.
    inherited: Inherited,
    /// Opened, but left to the process before for as long as it may have to go on.
    held: Option<Vec<(Listener, Arc<Port>)>>,
}

/// One that accepts.
struct Open {
    accepting: JoinHandle<()>,
    name: Option<Name>,
    socket: OwnedFd,
    shared: Arc<AtomicBool>,
}

/// A listening socket to be handed over, and what to call it.
pub(super) struct SocketToHandOver {
    pub(super) name: Option<Name>,
    pub(super) socket: OwnedFd,
    shared: Arc<AtomicBool>,
}

impl SocketToHandOver {
    /// Another process serves it too from now on.
    pub(super) fn share(&self) {
        self.shared.store(true, Ordering::Release);
    }
}

impl Listeners {
    /// See [`Server::inherit`](super::Server::inherit); the sockets no address is opened for.
    pub(super) fn inherit(&self, mut inherited: Inherited) -> Vec<OwnedFd> {
        let unnamed = inherited.take_unnamed();
        let mut state = lock(&self.state);
        state.held = inherited.has_predecessor().then(Vec::new);
        state.inherited = inherited;
        unnamed
    }

    /// Whether the process before still accepts.
    pub(super) fn are_held(&self) -> bool {
        lock(&self.state).held.is_some()
    }

    /// What was opened under that name in the process before, or another.
    pub(super) async fn open(&self, name: &Name) -> io::Result<Vec<Listener>> {
        let resolved: Vec<SocketAddr> = match name.addr.starts_with("unix:") || !self.are_held() {
            true => Vec::new(),
            // What is wrong with the address shows when it is bound.
            false => lookup(&name.addr).await.unwrap_or_default(),
        };
        let mut listeners = Vec::new();
        for _ in 0..resolved.len().max(1) {
            let Some(socket) = lock(&self.state).inherited.take(name, &resolved) else { break };
            listeners.push(Listener::take(socket, false)?);
        }
        if listeners.is_empty() {
            return Listener::bind(&name.addr).await;
        }
        // The name may have got more addresses meanwhile.
        let bound: Vec<SocketAddr> = listeners.iter().filter_map(|listener| listener.addr.as_tcp()).collect();
        let mut others = resolved;
        others.retain(|addr| bound.iter().all(|bound| bound.ip() != addr.ip()));
        if let (Some(first), false) = (bound.first(), others.is_empty()) {
            others.iter_mut().filter(|addr| addr.port() == 0).for_each(|addr| addr.set_port(first.port()));
            listeners.extend(Listener::bind_tcp(&others)?);
        }
        Ok(listeners)
    }

    /// Where is listened, in the order in which it was asked for.
    pub(super) fn addresses(&self) -> Vec<ListenAddr> {
        lock(&self.state).bound.clone()
    }

    /// Accepts, or keeps it until [`take_over`](Self::take_over).
    ///
    /// # Errors
    /// There is no descriptor or no thread left.
    pub(super) fn add(
        &self,
        mut listener: Listener,
        name: Option<Name>,
        port: Arc<Port>,
    ) -> io::Result<ListenAddr> {
        listener.name = name;
        let bound = listener.addr.clone();
        for protocol in port.unreachable() {
            tracing::info!(%bound, protocol, "not offered here: it speaks first and needs a listener of its own");
        }
        let mut state = lock(&self.state);
        match &mut state.held {
            Some(held) => held.push((listener, port)),
            None => state.open.push(self.accept(listener, port)?),
        }
        state.bound.push(bound.clone());
        Ok(bound)
    }

    fn accept(&self, listener: Listener, port: Arc<Port>) -> io::Result<Open> {
        let (name, socket, shared) = (listener.name.clone(), listener.duplicate()?, listener.shared.clone());
        let mut handed_over = self.handed_over.subscribe();
        let handed_over = async move {
            // Without its sender the server is gone, which says so in its own way.
            if handed_over.wait_for(|over| *over).await.is_err() {
                std::future::pending().await
            }
        };
        let front = self.front.start(&port.dispatch)?;
        let listener = {
            let _front = front.handle.enter();
            listener.register_here()?
        };
        let accepting = front.handle.spawn({
            let handlers = Handle::current();
            async move {
                listener.accept_all(port, handlers, handed_over).await;
                drop(front.user);
            }
        });
        Ok(Open { accepting, name, socket, shared })
    }

    /// See [`Server::take_over`](super::Server::take_over).
    pub(super) async fn take_over(&self) -> io::Result<bool> {
        if !self.are_held() {
            return Ok(false);
        }
        let inherited = std::mem::take(&mut lock(&self.state).inherited);
        inherited.take_over().await?;
        let mut state = lock(&self.state);
        for (listener, port) in state.held.take().unwrap_or_default() {
            let open = self.accept(listener, port)?;
            state.open.push(open);
        }
        Ok(true)
    }

    /// The open sockets, duplicated.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(super) fn shareable(&self) -> io::Result<Vec<SocketToHandOver>> {
        let duplicate = |open: &Open| {
            let (name, shared) = (open.name.clone(), open.shared.clone());
            Ok(SocketToHandOver { name, socket: open.socket.try_clone()?, shared })
        };
        lock(&self.state).open.iter().map(duplicate).collect()
    }

    /// Stops accepting: another process does.
    pub(super) fn hand_over(&self) {
        self.handed_over.send_replace(true);
    }

    pub(super) fn are_handed_over(&self) -> bool {
        *self.handed_over.borrow()
    }

    /// Waits until another process has the sockets.
    pub(super) async fn handed_over(&self) {
        // Its sender is here.
        let _ = self.handed_over.subscribe().wait_for(|over| *over).await;
    }

    /// Lets go of all sockets but those that still accept; these are returned.
    pub(super) fn close(&self) -> Vec<JoinHandle<()>> {
        let mut state = lock(&self.state);
        state.held = None;
        state.bound = Vec::new();
        state.inherited = Inherited::default();
        std::mem::take(&mut state.open).into_iter().map(|open| open.accepting).collect()
    }
}
