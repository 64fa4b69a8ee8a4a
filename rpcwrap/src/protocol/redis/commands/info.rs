//! The state of the server as text in sections: what clients look at before they call, and people.

use super::login::REDIS_VERSION;
use crate::{
    pages::snapshot::Snapshot,
    protocol::redis::{
        connection::Connection,
        row::{Group, Needs, Row, Run},
    },
    session::Control,
};
use codecs::resp::{Verbatim, Words};
use std::{fmt::Write, time::UNIX_EPOCH};

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "INFO",
        syntax: "[section ...]",
        words: 0..=usize::MAX,
        summary: "The state of the server, in sections.",
        group: Group::Server,
        needs: Needs::Login,
        run: Run::Here(info),
    },
    Row {
        name: "TIME",
        syntax: "",
        words: 0..=0,
        summary: "The server's clock: seconds since 1970, and microseconds.",
        group: Group::Server,
        needs: Needs::Login,
        run: Run::Here(time),
    },
];

/// A section's name and what it says of the server.
type Section = (&'static str, fn(&Snapshot, &mut String));

/// Every section, in its order.
const SECTIONS: [Section; 10] = [
    ("Server", server),
    ("Clients", clients),
    ("Persistence", persistence),
    ("Replication", replication),
    ("Memory", memory),
    ("Stats", stats),
    ("Commandstats", commandstats),
    ("Errorstats", errorstats),
    ("Protocols", protocols),
    ("Services", services),
];
/// Of these, the first are for every peer: clients look there before they call. The rest is for monitors.
const FOR_ALL: usize = 4;

/// The words that stand for all sections.
const ALL: [&str; 3] = ["all", "default", "everything"];

fn info(connection: &mut Connection, words: Words<'_>) -> Control {
    let asked = words.skip(1);
    let is_asked = |name: &str| {
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        asked.is_empty() || asked.iter().any(|word| is(word, name) || ALL.iter().any(|all| is(word, all)))
    };
    let snapshot = connection.cx.snapshot();
    let mut text = String::new();
    let shown = if connection.is_monitor() { SECTIONS.len() } else { FOR_ALL };
    for (name, write) in SECTIONS.iter().take(shown).filter(|(name, _)| is_asked(name)) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let _ = write!(text, "# {name}\r\n");
        write(&snapshot, &mut text);
    }
    connection.reply(&Verbatim(text))
}

/// One line of a section.
macro_rules! line {
    ($out:expr, $name:literal, $value:expr) => {
        // A text takes all that is written to it.
        let _ = write!($out, concat!($name, ":{}\r\n"), $value);
    };
}

fn server(snapshot: &Snapshot, out: &mut String) {
    line!(out, "redis_version", REDIS_VERSION);
    line!(out, "redis_mode", "standalone");
    line!(out, "rpcwrap_version", env!("CARGO_PKG_VERSION"));
    line!(out, "process_id", snapshot.process.id);
    line!(out, "uptime_in_seconds", snapshot.uptime.as_secs());
    line!(out, "uptime_in_days", snapshot.uptime.as_secs() / 86_400);
}

fn clients(snapshot: &Snapshot, out: &mut String) {
    line!(out, "connected_clients", snapshot.server.connections);
    line!(out, "maxclients", snapshot.max_connections);
}

fn persistence(_: &Snapshot, out: &mut String) {
    line!(out, "loading", 0);
}

fn replication(_: &Snapshot, out: &mut String) {
    line!(out, "role", "master");
    line!(out, "connected_slaves", 0);
}

fn memory(snapshot: &Snapshot, out: &mut String) {
    line!(out, "used_memory", snapshot.process.resident_bytes);
    line!(out, "used_memory_rss", snapshot.process.resident_bytes);
    line!(out, "held_bytes", snapshot.server.held_bytes);
    line!(out, "maxmemory", snapshot.server.memory_budget);
}

fn stats(snapshot: &Snapshot, out: &mut String) {
    let server = &snapshot.server;
    let calls: u64 = snapshot.methods.iter().map(|method| method.stats.calls).sum();
    line!(out, "total_connections_received", server.accepted);
    line!(out, "total_commands_processed", calls);
    line!(out, "rejected_connections", server.connections_refused);
    line!(out, "waiting_calls", snapshot.waiting_calls);
    for (name, count) in server.counters() {
        let _ = write!(out, "{name}:{count}\r\n");
    }
}

fn commandstats(snapshot: &Snapshot, out: &mut String) {
    for method in &snapshot.methods {
        let stats = &method.stats;
        let usec = stats.total.as_micros();
        let per_call = if stats.finished == 0 { 0.0 } else { usec as f64 / stats.finished as f64 };
        let _ = write!(
            out,
            "cmdstat_{}.{}:calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls=0,failed_calls={}\r\n",
            method.service, method.method, stats.calls, stats.failed
        );
    }
}

/// The server's own counts of what went wrong, by the first word of the errors.
fn errorstats(snapshot: &Snapshot, out: &mut String) {
    let server = &snapshot.server;
    let failed: u64 = snapshot.methods.iter().map(|method| method.stats.failed).sum();
    for (code, count) in [
        ("BUSY", server.busy_calls + server.shed_calls),
        ("ERR", failed + server.unknown_calls),
        ("LOADING", server.drained_calls),
        ("NOPERM", server.denied_calls),
        ("TIMEOUT", server.deadlines),
        ("WRONGPASS", server.login_failures),
    ] {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

fn protocols(snapshot: &Snapshot, out: &mut String) {
    for one in &snapshot.protocols {
        let _ = write!(out, "{}:connections={},matched={}\r\n", one.name, one.connections, one.matched);
    }
}

fn services(snapshot: &Snapshot, out: &mut String) {
    for (name, _) in &snapshot.services {
        let methods = snapshot.methods.iter().filter(|method| method.service == *name).count();
        let _ = write!(out, "{name}:methods={methods}\r\n");
    }
}

fn time(connection: &mut Connection, _: Words<'_>) -> Control {
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    connection.reply(&[now.as_secs().to_string(), now.subsec_micros().to_string()])
}
