//! `/connections`: every open connection, the oldest first: who it is, what it speaks, what it does.

use super::{
    Page, PageFormat, PageRequest,
    columns::{self, Column, Side::*},
    html::frame,
    number,
};
use crate::{live::connection_info::ConnectionInfo, pages::snapshot::Snapshot, peer::TlsInfo};
use maud::html;
use serde_json::{Value, json};

/// Connections shown.
pub(super) const MOST: usize = 1000;

pub(super) fn page(snapshot: &Snapshot, ask: &PageRequest) -> Page {
    match ask.form {
        PageFormat::Json => Page::json(as_json(snapshot)),
        PageFormat::Html => {
            let body = html! {
                h1 { "connections" }
                p { (summary(snapshot)) }
                (columns::html(connection_columns(), &snapshot.connections))
            };
            Page::html(frame("rpcwrap connections", &body))
        }
        _ => Page::text(format!(
            "{}\n\n{}",
            summary(snapshot),
            columns::text(connection_columns(), &snapshot.connections)
        )),
    }
}

fn summary(snapshot: &Snapshot) -> String {
    let (open, limit) = (snapshot.server.connections, snapshot.max_connections);
    let shown = match snapshot.connections.len() {
        _ if snapshot.is_part => ", yours here".to_owned(),
        all if all as u64 >= open => String::new(),
        some => format!(", the oldest {some} of them here"),
    };
    format!("{open} of at most {limit} connections are open{shown}")
}

fn connection_columns<'s>() -> [Column<&'s ConnectionInfo>; 12] {
    [
        ("id", Right, |one| one.id.to_string()),
        ("peer", Left, |one| one.peer.to_string()),
        ("tls", Left, |one| or_dash(&one.tls.as_ref().map(secured).unwrap_or_default())),
        ("protocol", Left, |one| or_dash(one.protocol)),
        ("codec", Left, |one| or_dash(&one.codec)),
        ("user", Left, |one| or_dash(one.user.as_deref().unwrap_or_default())),
        ("age", Right, |one| number::uptime(one.age)),
        ("calls", Right, |one| one.calls.to_string()),
        ("in flight", Right, |one| one.in_flight.to_string()),
        ("bytes in", Right, |one| one.bytes_in.to_string()),
        ("bytes out", Right, |one| one.bytes_out.to_string()),
        ("held", Right, |one| one.held.to_string()),
    ]
}

/// The version, and the name in the client's certificate if it has shown one.
fn secured(tls: &TlsInfo) -> String {
    match &tls.client_name {
        Some(name) => format!("{} {name}", tls.version),
        None => tls.version.to_owned(),
    }
}

/// Names come from peers as well: what would move a terminal's cursor is shown, not sent.
fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.escape_debug().to_string() }
}

/// One of them for programs.
pub(crate) fn connection(one: &ConnectionInfo) -> Value {
    json!({
        "id": one.id,
        "peer": one.peer.to_string(),
        "tls": one.tls.as_ref().map(|tls| json!({ "version": tls.version, "client": tls.client_name })),
        "protocol": one.protocol,
        "codec": one.codec,
        "user": one.user,
        "age_seconds": one.age.as_secs_f64(),
        "calls": one.calls,
        "in_flight": one.in_flight,
        "bytes_in": one.bytes_in,
        "bytes_out": one.bytes_out,
        "held": one.held,
    })
}

fn as_json(snapshot: &Snapshot) -> String {
    let connections: Vec<_> = snapshot.connections.iter().map(connection).collect();
    let (open, limit) = (snapshot.server.connections, snapshot.max_connections);
    format!("{}\n", json!({ "open": open, "limit": limit, "connections": connections }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn text() {
        let wanted = "\
307 of at most 10000 connections are open, the oldest 2 of them here

ID  PEER            TLS            PROTOCOL  CODEC  USER  AGE  CALLS  IN FLIGHT  BYTES IN  BYTES OUT  HELD
 1  127.0.0.1:4711  TLSv1.3 ala\\n  go_rpc    bson   <b>    7s    900          3     71100      75348  8192
 2  in-process      -              -         -      -      0s      0          0         0          0     0
";
        assert_eq!(page(&fixture::snapshot(), &PageRequest::default()).body, wanted);
    }

    #[test]
    fn html_and_json_have_the_same_numbers() {
        let ask = |form| PageRequest { form, ..PageRequest::default() };
        let html = page(&fixture::snapshot(), &ask(PageFormat::Html)).body;
        assert!(
            html.contains("<td>71100</td>") && html.contains("&lt;b&gt;") && !html.contains("<b>"),
            "{html}"
        );
        let json = page(&fixture::snapshot(), &ask(PageFormat::Json)).body;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["open"], &json["connections"][0]["user"]), (&json!(307), &json!("<b>")));
        assert_eq!(json["connections"][0]["tls"], json!({ "version": "TLSv1.3", "client": "ala\n" }));
        assert_eq!(
            (&json["connections"][1]["user"], &json["connections"][1]["tls"]),
            (&json!(null), &json!(null))
        );
    }

    #[test]
    fn names_do_not_steer_a_terminal() {
        assert_eq!(or_dash("\u{1b}[31mala"), "\\u{1b}[31mala");
    }
}
