//! `/protocols`: which protocols are asked about a connection's first bytes and in which order, and what none took.

use super::{
    Page, PageFormat, PageRequest,
    columns::{self, Column, Side::*},
    html::frame,
    number,
};
use crate::pages::{
    protocol_info::{AuthMode, Class, ProtocolInfo},
    rejected_info::FailedOpening,
    snapshot::Snapshot,
};
use maud::html;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    match ask.form {
        PageFormat::Json => Page::json(as_json(snapshot)),
        PageFormat::Html => {
            let body = html! {
                h1 { "protocols" }
                p { "In the order they are asked about a connection's first bytes." }
                (columns::html(protocol_columns(), protocols(snapshot)))
                h2 { "Taken by no protocol" }
                (columns::html(OUTCOMES, outcomes(snapshot)))
                h2 { "The last unknown first bytes" }
                (columns::html(failure_columns(), failures(snapshot)))
            };
            Page::html(frame("rpcwrap protocols", &body))
        }
        _ => Page::text(format!(
            "{}\nTAKEN BY NO PROTOCOL\n{}\nTHE LAST UNKNOWN FIRST BYTES\n{}",
            columns::text(protocol_columns(), protocols(snapshot)),
            columns::text(OUTCOMES, outcomes(snapshot)),
            columns::text(failure_columns(), failures(snapshot))
        )),
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Magic => "magic",
        Class::Grammar => "grammar",
        Class::Weak => "weak",
    }
}

fn auth(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::Certificate => "certificate",
        AuthMode::Connection => "connection",
        AuthMode::Request => "request",
    }
}

fn found_by(one: &ProtocolInfo) -> &'static str {
    match () {
        () if one.by_connect => "CONNECT",
        () if one.speaks_first => "its listener",
        () => "first bytes",
    }
}

/// Each with its place.
fn protocol_columns<'s>() -> [Column<(usize, &'s ProtocolInfo)>; 10] {
    [
        ("order", Right, |(n, _)| (n + 1).to_string()),
        ("protocol", Left, |(_, one)| one.name.to_owned()),
        ("class", Left, |(_, one)| class(one.class).to_owned()),
        ("found by", Left, |(_, one)| found_by(one).to_owned()),
        ("login by", Left, |(_, one)| auth(one.auth).to_owned()),
        ("connections", Right, |(_, one)| one.connections.to_string()),
        ("in total", Right, |(_, one)| one.matched.to_string()),
        ("too big", Right, |(_, one)| one.too_big.to_string()),
        ("overloaded", Right, |(_, one)| one.overloaded.to_string()),
        ("malformed", Right, |(_, one)| one.malformed.to_string()),
    ]
}

fn protocols(snapshot: &Snapshot) -> impl Iterator<Item = (usize, &ProtocolInfo)> {
    snapshot.protocols.iter().enumerate()
}

const OUTCOMES: [Column<(&str, u64)>; 2] = [
    ("outcome", Left, |(outcome, _)| (*outcome).to_owned()),
    ("connections", Right, |(_, count)| count.to_string()),
];

/// How many connections ended without a protocol, and how.
fn outcomes(snapshot: &Snapshot) -> [(&'static str, u64); 4] {
    let server = &snapshot.server;
    [
        ("unknown", server.unknown_openings),
        ("timeout", server.opening_timeouts),
        ("closed empty", server.silent_probes),
        ("too long", server.long_openings),
    ]
}

/// Each with its age.
fn failure_columns<'s>() -> [Column<(Duration, &'s FailedOpening)>; 4] {
    [
        ("ago", Right, |(age, _)| number::uptime(*age)),
        ("peer", Left, |(_, one)| one.peer.to_string()),
        ("why", Left, |(_, one)| one.text()),
        ("bytes", Left, |(_, one)| one.hex()),
    ]
}

/// The latest first.
fn failures(snapshot: &Snapshot) -> impl Iterator<Item = (Duration, &FailedOpening)> {
    let latest = snapshot.failed_openings.iter().rev();
    latest.map(|one| (snapshot.now.duration_since(one.at).unwrap_or_default(), one))
}

fn as_json(snapshot: &Snapshot) -> String {
    let protocol = |one: &ProtocolInfo| {
        json!({
            "name": one.name,
            "class": class(one.class),
            "by_connect": one.by_connect,
            "speaks_first": one.speaks_first,
            "auth": auth(one.auth),
            "connections": one.connections,
            "matched": one.matched,
            "too_big": one.too_big,
            "overloaded": one.overloaded,
            "malformed": one.malformed,
        })
    };
    let failure = |(age, one): (Duration, &FailedOpening)| {
        json!({
            "seconds_ago": age.as_secs_f64(),
            "peer": one.peer.to_string(),
            "why": one.text(),
            "bytes": one.hex(),
        })
    };
    let outcomes = outcomes(snapshot).map(|(outcome, count)| (outcome.replace(' ', "_"), Value::from(count)));
    let page = json!({
        "protocols": snapshot.protocols.iter().map(protocol).collect::<Vec<_>>(),
        "outcomes": Value::Object(outcomes.into_iter().collect()),
        "failed_openings": failures(snapshot).map(failure).collect::<Vec<_>>(),
    });
    format!("{page}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn text() {
        let mut snapshot = fixture::snapshot();
        snapshot.server = Default::default();
        let wanted = "\
ORDER  PROTOCOL  CLASS    FOUND BY     LOGIN BY    CONNECTIONS  IN TOTAL  TOO BIG  OVERLOADED  MALFORMED
    1  go_rpc    magic    CONNECT      connection           12       700        2           1          5
    2  http      grammar  first bytes  request              30      4000        0           0          9

TAKEN BY NO PROTOCOL
OUTCOME       CONNECTIONS
unknown                 0
timeout                 0
closed empty            0
too long                0

THE LAST UNKNOWN FIRST BYTES
AGO  PEER            WHY                               BYTES
 5s  127.0.0.1:4711  no protocol for these first bytes  00ff
";
        let wanted = wanted
            .replace("WHY                               BYTES", "WHY                                BYTES");
        assert_eq!(page(&snapshot, &PageRequest::default()).body, wanted);
    }

    #[test]
    fn html_and_json_have_the_same_numbers() {
        let ask = |form| PageRequest { form, ..PageRequest::default() };
        let html = page(&fixture::snapshot(), &ask(PageFormat::Html)).body;
        assert!(html.contains("<td>4000</td>") && html.contains("00ff"), "{html}");
        let json = page(&fixture::snapshot(), &ask(PageFormat::Json)).body;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["protocols"][1]["name"], &json["protocols"][1]["malformed"]),
            (&json!("http"), &json!(9))
        );
        assert_eq!(json["failed_openings"][0]["bytes"], "00ff");
        assert_eq!(json["outcomes"]["closed_empty"], fixture::snapshot().server.silent_probes);
    }
}
