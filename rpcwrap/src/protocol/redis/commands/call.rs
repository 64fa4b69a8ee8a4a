//! A call whose argument is one JSON value.

use crate::protocol::redis::{
    connection::Connection,
    row::{Group, Needs, Row, Run},
};

pub(super) static ROWS: &[Row<Connection>] = &[Row {
    name: "CALL",
    syntax: "service.method [json]",
    words: 1..=2,
    summary: "Calls a method with one JSON value for its argument.",
    group: Group::Call,
    needs: Needs::Login,
    run: Run::Call,
}];
