//! The server's own commands, a file for each group: rows of one table.

mod call;
mod client;
mod info;
mod login;
mod session;

use super::{connection::Connection, row::Row};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Row<Connection>> {
    [session::ROWS, login::ROWS, client::ROWS, call::ROWS, info::ROWS].into_iter().flatten()
}
