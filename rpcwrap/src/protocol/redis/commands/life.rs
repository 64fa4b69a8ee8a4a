//! The end of the server, and its next beginning.

use crate::{
    admin::{Change, Operation},
    live::shutdown::Phase,
    protocol::redis::{
        connection::{Connection, encoded},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{Status, Words};

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "SHUTDOWN",
        syntax: "[NOSAVE|SAVE|NOW|FORCE|ABORT]",
        words: 0..=4,
        summary: "Ends the server: what was read is answered first, but with NOW.",
        group: Group::Server,
        needs: Needs::Admin,
        run: Run::Here(shutdown),
    },
    Row {
        name: "RESTART",
        syntax: "",
        words: 0..=0,
        summary: "Starts the program anew with the same sockets; no connection is refused.",
        group: Group::Server,
        needs: Needs::Admin,
        run: Run::Here(restart),
    },
];

/// As Redis does it closes the connection without a word where it succeeds.
fn shutdown(connection: &mut Connection, words: Words<'_>) -> Control {
    let (mut now, mut abort) = (false, false);
    for at in 1..words.len() {
        match () {
            () if words.is(at, "NOW") => now = true,
            () if words.is(at, "ABORT") => abort = true,
            // There is nothing to save.
            () if ["SAVE", "NOSAVE", "FORCE"].iter().any(|word| words.is(at, word)) => {}
            () => return connection.error("ERR", "syntax error"),
        }
    }
    if abort {
        return match connection.cx.dispatch.live.shutdown.phase() {
            Phase::Serving => connection.error("ERR", "No shutdown in progress."),
            _ => connection.error("ERR", "a server that drains cannot go back to serving"),
        };
    }
    let change = if now { Change::Stop } else { Change::Drain };
    connection.operate(Operation::Change(change), |_, _| Answer::default().close())
}

fn restart(connection: &mut Connection, _: Words<'_>) -> Control {
    connection.operate(Operation::Change(Change::Restart), |encoder, _| encoded(encoder, &Status("OK")))
}
