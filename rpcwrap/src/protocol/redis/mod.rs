//! Redis's protocol: every Redis client calls the methods, and asks and tells the server by commands.
//!
//! ```text
//! bytes ▶ framing ─┬─▶ a method, or a command of the program ▶ dispatch
//!                  └─▶ one of the server's own commands: a row of commands, run on a connection
//! ```
//!
//! [`sniff`] knows its connections by their first bytes, [`framing`] serves them in a session whose replies are in the
//! order of the requests. A request whose name has a dot is a call; every other is looked up among the
//! [`commands`]. Bytes and values are `codecs::resp`'s. Source: Redis 7.0.15 as observed.

mod commands;
mod connection;
mod failure;
mod framing;
mod items;
mod names;
mod program;
mod row;
mod sniff;

use super::{AuthMode, Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff};
use crate::{error::ConfigError, method::command::Command};
use connection::{Connection, Shared};
use framing::Requests;
use names::Names;
use std::sync::Arc;

/// The protocol of connections that open with a request of RESP.
pub(crate) struct Redis {
    shared: Arc<Shared>,
}

impl Redis {
    pub(crate) const NAME: &'static str = "redis";

    /// The protocol of a server with these commands and methods, by their full names.
    ///
    /// # Errors
    /// A command cannot have its name.
    pub(crate) fn new(
        commands: &[Command],
        methods: impl IntoIterator<Item = String>,
    ) -> Result<Self, ConfigError> {
        let mut names: Vec<&str> = commands::all().map(|row| row.name).collect();
        for Command { method, .. } in commands {
            names::check(&method.name, &names)?;
            names.push(&method.name);
        }
        let names = Names::new(names, methods);
        Ok(Self { shared: Arc::new(Shared::new(names, commands::all())) })
    }
}

impl Protocol for Redis {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn class(&self) -> Class {
        Class::Grammar
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        sniff::OPENINGS.iter().map(|opening| opening.to_vec()).collect()
    }

    /// `AUTH`, or `HELLO` with it.
    fn auth(&self) -> AuthMode {
        AuthMode::Connection
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        sniff::sniff(head, &self.shared.names)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        let peer = cx.peer("", None);
        let connection = Connection::new(cx.clone(), self.shared.clone());
        let session = cx.session(conn, Requests::new(connection), peer);
        Box::pin(async { Ok(Served::Session(Box::pin(session.run()))) })
    }

    fn no_room(&self) -> &'static [u8] {
        b"-ERR max number of clients reached\r\n"
    }
}
