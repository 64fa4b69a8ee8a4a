//! What a connection asks of its session: whether it is there, and its end.

use crate::{
    protocol::redis::{
        connection::{Connection, Silence},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::{
    resp::{Status, Version, Words},
    types::Blob,
};

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "PING",
        syntax: "[message]",
        words: 0..=1,
        summary: "Answers PONG, or with the message.",
        group: Group::Connection,
        needs: Needs::Login,
        run: Run::Here(ping),
    },
    Row {
        name: "ECHO",
        syntax: "message",
        words: 1..=1,
        summary: "Answers with the message.",
        group: Group::Connection,
        needs: Needs::Login,
        run: Run::Here(echo),
    },
    Row {
        name: "SELECT",
        syntax: "0",
        words: 1..=1,
        summary: "There is one database, 0.",
        group: Group::Connection,
        needs: Needs::Login,
        run: Run::Here(select),
    },
    Row {
        name: "RESET",
        syntax: "",
        words: 0..=0,
        summary: "Makes the connection as new: not logged in, without a name, in RESP2.",
        group: Group::Connection,
        needs: Needs::Nothing,
        run: Run::Here(reset),
    },
    Row {
        name: "QUIT",
        syntax: "",
        words: 0..=usize::MAX,
        summary: "Closes the connection when all before is answered.",
        group: Group::Connection,
        needs: Needs::Nothing,
        run: Run::Here(quit),
    },
];

fn ping(connection: &mut Connection, words: Words<'_>) -> Control {
    match words.get(1) {
        Some(message) => connection.reply(&Blob(message.to_vec())),
        None => Control::Answer(Answer::new("+PONG\r\n")),
    }
}

fn echo(connection: &mut Connection, words: Words<'_>) -> Control {
    connection.reply(&Blob(words.get(1).unwrap_or_default().to_vec()))
}

fn select(connection: &mut Connection, words: Words<'_>) -> Control {
    let number = words.get(1).and_then(|word| std::str::from_utf8(word).ok()?.parse::<i64>().ok());
    match number {
        Some(0) => connection.reply(&Status("OK")),
        Some(_) => connection.error("ERR", "DB index is out of range"),
        None => connection.error("ERR", "value is not an integer or out of range"),
    }
}

fn reset(connection: &mut Connection, _: Words<'_>) -> Control {
    connection.encoder.set_version(Version::Resp2);
    connection.silence = Silence::None;
    connection.cx.tracked.set_label(|label| *label = Default::default());
    let peer = connection.cx.peer("", None);
    Control::Answer(connection.answer(&Status("RESET")).peer(peer))
}

fn quit(connection: &mut Connection, _: Words<'_>) -> Control {
    Control::Answer(connection.answer(&Status("OK")).close())
}
