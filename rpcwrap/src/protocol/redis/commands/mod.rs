//! The server's own commands, a file for each group: rows of one table.

mod acl;
mod call;
mod client;
mod command;
mod info;
mod life;
mod login;
mod session;
mod settings;
mod slow;
mod stats;

use super::{connection::Connection, row::Row};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Row<Connection>> {
    let groups = [
        session::ROWS,
        login::ROWS,
        client::ROWS,
        call::ROWS,
        command::ROWS,
        info::ROWS,
        stats::ROWS,
        slow::ROWS,
        settings::ROWS,
        acl::ROWS,
        life::ROWS,
    ];
    groups.into_iter().flatten()
}
