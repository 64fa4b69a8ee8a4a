//! Who is connected, and what was called from which address.

use crate::{
    admin::{Done, Filter, Operation, Query},
    live::{calls::CallInfo, connection_info::ConnectionInfo, peers::PeerStatistics},
    protocol::redis::{
        connection::{Connection, encoded},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{ReplyEncoder, Words};
use serde::Serialize;
use std::collections::HashMap;

/// Rows that are shown.
pub(super) const MOST: usize = 1000;

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "CLIENTSTATS",
        syntax: "",
        words: 0..=0,
        summary: "The open connections of all protocols, the oldest first.",
        group: Group::Server,
        needs: Needs::Monitor,
        run: Run::Here(clients),
    },
    Row {
        name: "RPCSTATS",
        syntax: "[ip]",
        words: 0..=1,
        summary: "Calls by address and method, those with the most first.",
        group: Group::Server,
        needs: Needs::Monitor,
        run: Run::Here(peers),
    },
    Row {
        name: "SQLSTATS",
        syntax: "[ip]",
        words: 0..=1,
        summary: "The same as RPCSTATS.",
        group: Group::Server,
        needs: Needs::Monitor,
        run: Run::Here(peers),
    },
];

/// A connection as CLIENTSTATS shows it.
#[derive(Serialize)]
struct Client {
    id: u64,
    addr: String,
    protocol: &'static str,
    user: Option<String>,
    name: String,
    age_seconds: u64,
    idle_seconds: u64,
    calls: u64,
    in_flight: u64,
    bytes_in: u64,
    bytes_out: u64,
    held_bytes: u64,
    current_call: Option<String>,
}

impl Client {
    fn new(one: ConnectionInfo, call: Option<&CallInfo>) -> Self {
        Self {
            id: one.id,
            addr: one.peer.to_string(),
            protocol: one.protocol,
            user: one.user,
            name: one.label.name,
            age_seconds: one.age.as_secs(),
            idle_seconds: one.idle.as_secs(),
            calls: one.calls,
            in_flight: one.in_flight,
            bytes_in: one.bytes_in,
            bytes_out: one.bytes_out,
            held_bytes: one.held,
            current_call: call.map(|call| call.method.to_string()),
        }
    }
}

fn clients(connection: &mut Connection, _: Words<'_>) -> Control {
    let live = connection.cx.dispatch.live.clone();
    let query = Query::Connections { filter: Filter::default(), most: MOST };
    connection.operate(Operation::Query(query), move |encoder, done| {
        let Done::Connections(all) = done else { return Answer::default() };
        // The oldest call of each connection that waits.
        let mut calls = HashMap::new();
        for call in live.calls.list(MOST, |_| true) {
            calls.entry(call.connection).or_insert(call);
        }
        let clients: Vec<_> = all
            .into_iter()
            .map(|one| {
                let call = calls.get(&one.id);
                Client::new(one, call)
            })
            .collect();
        encoded(encoder, &clients)
    })
}

/// A row of RPCSTATS.
#[derive(Serialize)]
struct Peer {
    ip: String,
    method: String,
    calls: u64,
    errors: u64,
    p50_usec: u64,
    p99_usec: u64,
    last_seconds_ago: u64,
    last_error: Option<String>,
}

impl From<PeerStatistics> for Peer {
    fn from(one: PeerStatistics) -> Self {
        Self {
            ip: one.address,
            method: one.method.to_string(),
            calls: one.calls,
            errors: one.errors,
            p50_usec: one.p50.as_micros() as u64,
            p99_usec: one.p99.as_micros() as u64,
            last_seconds_ago: one.age.as_secs(),
            last_error: one.last_error,
        }
    }
}

fn peers(connection: &mut Connection, words: Words<'_>) -> Control {
    let address = words.get(1).map(|word| String::from_utf8_lossy(word).into_owned());
    let query = Query::Peers { address, method: None, most: MOST };
    connection.operate(Operation::Query(query), |encoder: ReplyEncoder, done| match done {
        Done::Peers(rows) => encoded(encoder, &rows.into_iter().map(Peer::from).collect::<Vec<_>>()),
        _ => Answer::default(),
    })
}
