//! Calls that took long, and how long calls take.

use crate::{
    admin::{Change, Done, Operation, Query},
    live::{
        slow::SlowCall,
        stats::{MethodSnapshot, bucket_end},
    },
    protocol::redis::{
        connection::{Connection, encoded},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{Status, Words};
use serde::Serialize;
use std::{collections::BTreeMap, ops::RangeInclusive, time::UNIX_EPOCH};

/// Slow calls that are shown unless told otherwise, as Redis has it.
const SHOWN: usize = 10;

const fn part(
    name: &'static str,
    syntax: &'static str,
    words: RangeInclusive<usize>,
    summary: &'static str,
    needs: Needs,
    run: fn(&mut Connection, Words<'_>) -> Control,
) -> Row<Connection> {
    Row { name, syntax, words, summary, group: Group::Server, needs, run: Run::Here(run) }
}

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "SLOWLOG",
        syntax: "GET [count]|LEN|RESET",
        words: 1..=2,
        summary: "The last calls that took as long as the setting slow_call, or longer.",
        group: Group::Server,
        needs: Needs::Monitor,
        run: Run::Within(&[
            part("GET", "[count]", 0..=1, "The latest first.", Needs::Monitor, get),
            part("LEN", "", 0..=0, "How many are kept.", Needs::Monitor, len),
            part("RESET", "", 0..=0, "Forgets them.", Needs::Admin, reset),
        ]),
    },
    Row {
        name: "LATENCY",
        syntax: "HISTOGRAM [method ...]|LATEST",
        words: 1..=usize::MAX,
        summary: "How long calls have taken.",
        group: Group::Server,
        needs: Needs::Monitor,
        run: Run::Within(&[
            part(
                "HISTOGRAM",
                "[method ...]",
                0..=usize::MAX,
                "Calls by the microseconds below which they stayed, each count with those before it.",
                Needs::Monitor,
                histogram,
            ),
            part("LATEST", "", 0..=0, "None: the log names what blocks a thread.", Needs::Monitor, latest),
        ]),
    },
];

/// A call as SLOWLOG shows it: its number, time, microseconds, words, address and name of the peer. The words are its
/// method alone.
fn row(one: &SlowCall) -> (u64, u64, u64, [&str; 1], String, &str) {
    let at = one.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let user = one.user.as_deref().unwrap_or_default();
    (one.number, at, one.duration.as_micros() as u64, [&one.method], one.peer.to_string(), user)
}

fn get(connection: &mut Connection, words: Words<'_>) -> Control {
    let asked =
        words.get(2).map(|word| std::str::from_utf8(word).ok().and_then(|text| text.parse::<i64>().ok()));
    let most = match asked {
        None => SHOWN,
        Some(Some(-1)) => usize::MAX,
        Some(Some(count)) if count >= 0 => usize::try_from(count).unwrap_or(usize::MAX),
        Some(_) => return connection.error("ERR", "count should be greater than or equal to -1"),
    };
    connection.operate(Operation::Query(Query::SlowCalls { most }), |encoder, done| match done {
        Done::SlowCalls(all) => encoded(encoder, &all.iter().map(row).collect::<Vec<_>>()),
        _ => Answer::default(),
    })
}

fn len(connection: &mut Connection, _: Words<'_>) -> Control {
    let query = Query::SlowCalls { most: usize::MAX };
    connection.operate(Operation::Query(query), |encoder, done| match done {
        Done::SlowCalls(all) => encoded(encoder, &all.len()),
        _ => Answer::default(),
    })
}

fn reset(connection: &mut Connection, _: Words<'_>) -> Control {
    let change = Operation::Change(Change::ForgetSlowCalls);
    connection.operate(change, |encoder, _| encoded(encoder, &Status("OK")))
}

#[derive(Serialize)]
struct Histogram {
    calls: u64,
    histogram_usec: BTreeMap<u64, u64>,
}

impl From<&MethodSnapshot> for Histogram {
    fn from(stats: &MethodSnapshot) -> Self {
        let (mut seen, mut histogram_usec) = (0, BTreeMap::new());
        for (bucket, calls) in stats.latency.iter().enumerate().filter(|(_, calls)| **calls > 0) {
            seen += calls;
            histogram_usec.insert(bucket_end(bucket).as_micros().max(1) as u64, seen);
        }
        Self { calls: seen, histogram_usec }
    }
}

fn histogram(connection: &mut Connection, words: Words<'_>) -> Control {
    if !connection.is_monitor() {
        return connection.no_monitor();
    }
    let names = words.skip(2);
    let is_wanted = |name: &str| {
        names.is_empty() || names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name.as_bytes()))
    };
    let mut all = BTreeMap::new();
    for method in connection.cx.dispatch.registry.methods() {
        let name = format!("{}.{}", method.service, method.method);
        if method.stats.finished > 0 && is_wanted(&name) {
            all.insert(name, Histogram::from(&method.stats));
        }
    }
    connection.reply(&all)
}

fn latest(connection: &mut Connection, _: Words<'_>) -> Control {
    let none: [(); 0] = [];
    connection.reply(&none)
}
