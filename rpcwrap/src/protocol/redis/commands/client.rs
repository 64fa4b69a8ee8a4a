//! What a peer says of its own connection, and what it is told of it.

use super::stats::MOST;
use crate::{
    admin::{Change, Done, Filter, Kill, Operation, Query},
    live::connection_info::ConnectionInfo,
    protocol::redis::{
        connection::{Connection, Silence, encoded, encoded_error},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{Status, Verbatim, Words};

/// Bytes of a connection's name, of a library's, and of its version.
const MAX_NAME: usize = 256;

/// A row of CLIENT.
const fn part(
    name: &'static str,
    syntax: &'static str,
    words: std::ops::RangeInclusive<usize>,
    summary: &'static str,
    run: fn(&mut Connection, Words<'_>) -> Control,
) -> Row<Connection> {
    Row { name, syntax, words, summary, group: Group::Connection, needs: Needs::Login, run: Run::Here(run) }
}

pub(super) static ROWS: &[Row<Connection>] = &[Row {
    name: "CLIENT",
    syntax: "subcommand [argument ...]",
    words: 1..=usize::MAX,
    summary: "Says something of the connection, or asks for it.",
    group: Group::Connection,
    needs: Needs::Login,
    run: Run::Within(PARTS),
}];

static PARTS: &[Row<Connection>] = &[
    part("ID", "", 0..=0, "The number of the connection.", id),
    part("INFO", "", 0..=0, "The connection in one line.", info),
    part("GETNAME", "", 0..=0, "The connection's name.", name),
    part("SETNAME", "name", 1..=1, "Gives the connection a name.", set_name),
    part("SETINFO", "LIB-NAME|LIB-VER text", 2..=2, "Names the library that the peer uses.", set_info),
    part("NO-EVICT", "ON|OFF", 1..=1, "Taken and without effect.", on_or_off),
    part("NO-TOUCH", "ON|OFF", 1..=1, "Taken and without effect.", on_or_off),
    Row {
        name: "LIST",
        syntax: "[TYPE normal] [ID id [id ...]]",
        words: 0..=usize::MAX,
        summary: "The open connections of all protocols, in a line each.",
        group: Group::Connection,
        needs: Needs::Monitor,
        run: Run::Here(list),
    },
    Row {
        name: "KILL",
        syntax: "ip:port|ID id|ADDR ip:port|USER name",
        words: 1..=2,
        summary: "Closes connections, of whatever protocol.",
        group: Group::Connection,
        needs: Needs::Admin,
        run: Run::Here(kill),
    },
    part("REPLY", "ON|OFF|SKIP", 1..=1, "Whether requests are answered: all, none, all but the next.", reply),
];

fn id(connection: &mut Connection, _: Words<'_>) -> Control {
    connection.reply(&connection.cx.tracked.id)
}

fn info(connection: &mut Connection, _: Words<'_>) -> Control {
    connection.reply(&Verbatim(line(&connection.cx.tracked.info())))
}

fn name(connection: &mut Connection, _: Words<'_>) -> Control {
    let name = connection.cx.tracked.info().label.name;
    connection.reply(&(!name.is_empty()).then_some(name))
}

fn set_name(connection: &mut Connection, words: Words<'_>) -> Control {
    match is_name(words.get(2).unwrap_or_default()) {
        Ok(name) => {
            connection.cx.tracked.set_label(|label| label.name = name);
            connection.reply(&Status("OK"))
        }
        Err(text) => connection.error("ERR", text),
    }
}

/// The name that a connection is given; an empty one takes it away.
///
/// # Errors
/// Why it is none.
pub(super) fn is_name(word: &[u8]) -> Result<String, &'static str> {
    if word.len() > MAX_NAME {
        return Err("Client names have at most 256 bytes.");
    }
    text(word).ok_or("Client names cannot contain spaces, newlines or special characters.")
}

/// A word that stands in a line of its own kind.
fn text(word: &[u8]) -> Option<String> {
    let is_text = word.len() <= MAX_NAME && word.iter().all(u8::is_ascii_graphic);
    is_text.then(|| String::from_utf8_lossy(word).into_owned())
}

fn set_info(connection: &mut Connection, words: Words<'_>) -> Control {
    let (is_library, is_version) = (words.is(2, "LIB-NAME"), words.is(2, "LIB-VER"));
    if !is_library && !is_version {
        let option = String::from_utf8_lossy(words.get(2).unwrap_or_default()).into_owned();
        return connection.error("ERR", &format!("Unrecognized option '{option}'"));
    }
    let Some(text) = text(words.get(3).unwrap_or_default()) else {
        let what = if is_library { "lib-name" } else { "lib-ver" };
        let text = format!("{what} cannot contain spaces, newlines or special characters.");
        return connection.error("ERR", &text);
    };
    connection.cx.tracked.set_label(|label| match is_library {
        true => label.library = text,
        false => label.library_version = text,
    });
    connection.reply(&Status("OK"))
}

fn on_or_off(connection: &mut Connection, words: Words<'_>) -> Control {
    match words.is(2, "ON") || words.is(2, "OFF") {
        true => connection.reply(&Status("OK")),
        false => connection.error("ERR", "syntax error"),
    }
}

fn reply(connection: &mut Connection, words: Words<'_>) -> Control {
    let silence = match () {
        () if words.is(2, "ON") => Silence::None,
        () if words.is(2, "OFF") => Silence::All,
        () if words.is(2, "SKIP") => Silence::Next,
        () => return connection.error("ERR", "syntax error"),
    };
    connection.silence = silence;
    match silence {
        Silence::None => connection.reply(&Status("OK")),
        Silence::Next | Silence::All => Control::Answer(Answer::default()),
    }
}

fn list(connection: &mut Connection, words: Words<'_>) -> Control {
    let mut asked = words.skip(2);
    if asked.is(0, "TYPE") {
        if !asked.is(1, "NORMAL") {
            let kind = String::from_utf8_lossy(asked.get(1).unwrap_or_default()).into_owned();
            return connection.error("ERR", &format!("Unknown client type '{kind}'"));
        }
        asked = asked.skip(2);
    }
    let ids = match asked.is(0, "ID") && asked.len() > 1 {
        true => match asked.skip(1).iter().map(number).collect::<Option<Vec<_>>>() {
            Some(ids) => Some(ids),
            None => return connection.error("ERR", "Invalid client ID"),
        },
        false if asked.is_empty() => None,
        false => return connection.error("ERR", "syntax error"),
    };
    let query = Query::Connections { filter: Filter::default(), most: MOST };
    connection.operate(Operation::Query(query), move |encoder, done| {
        let Done::Connections(all) = done else { return Answer::default() };
        let is_wanted = |one: &&ConnectionInfo| ids.as_ref().is_none_or(|ids| ids.contains(&one.id));
        let lines: String = all.iter().filter(is_wanted).map(line).collect();
        encoded(encoder, &Verbatim(lines))
    })
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// In its older form it answers whether there was such a connection, in the newer one how many there were.
fn kill(connection: &mut Connection, words: Words<'_>) -> Control {
    let what = words.get(3).or(words.get(2)).unwrap_or_default();
    let text = String::from_utf8_lossy(what).into_owned();
    let is_old = words.len() == 3;
    let kill = match () {
        () if is_old || words.is(2, "ADDR") => match text.parse() {
            Ok(name) => Kill::Peer(name),
            Err(why) => return connection.error("ERR", &why),
        },
        () if words.is(2, "ID") => match number(what) {
            Some(id) => Kill::Connection(id),
            None => return connection.error("ERR", "client-id should be greater than 0"),
        },
        () if words.is(2, "USER") => Kill::User(text),
        () => return connection.error("ERR", "syntax error"),
    };
    connection.operate(Operation::Change(Change::Kill(kill)), move |encoder, done| match done {
        Done::Killed { connections: 0, .. } if is_old => encoded_error(encoder, "ERR", "No such client"),
        Done::Killed { .. } if is_old => encoded(encoder, &Status("OK")),
        Done::Killed { connections, .. } => encoded(encoder, &connections),
        _ => Answer::default(),
    })
}

/// A connection as Redis shows it.
pub(super) fn line(one: &ConnectionInfo) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let label = &one.label;
    format!(
        "id={} addr={} name={} age={} idle={} flags=N db=0 cmd={} user={} proto={} codec={} calls={} in-flight={} \
         tot-net-in={} tot-net-out={} tot-mem={} lib-name={} lib-ver={}\n",
        one.id,
        one.peer,
        label.name,
        one.age.as_secs(),
        one.idle.as_secs(),
        "NULL",
        or(one.user.as_deref().unwrap_or_default(), "default"),
        or(one.protocol, "-"),
        one.codec,
        one.calls,
        one.in_flight,
        one.bytes_in,
        one.bytes_out,
        one.held,
        label.library,
        label.library_version,
    )
}
