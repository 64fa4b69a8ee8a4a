//! The users, as far as Redis's clients ask for them.

use crate::{
    auth::User,
    protocol::redis::{
        connection::Connection,
        row::{Group, Needs, Row, Run},
    },
    session::Control,
};
use codecs::resp::Words;

const fn part(
    name: &'static str,
    summary: &'static str,
    needs: Needs,
    run: fn(&mut Connection, Words<'_>) -> Control,
) -> Row<Connection> {
    Row { name, syntax: "", words: 0..=0, summary, group: Group::Server, needs, run: Run::Here(run) }
}

pub(super) static ROWS: &[Row<Connection>] = &[Row {
    name: "ACL",
    syntax: "WHOAMI|USERS|LIST",
    words: 1..=usize::MAX,
    summary: "The users and their rights; they are changed in their file.",
    group: Group::Server,
    needs: Needs::Login,
    run: Run::Within(&[
        part("WHOAMI", "The user of the connection.", Needs::Login, who),
        part("USERS", "The names of all users.", Needs::Monitor, users),
        part("LIST", "All users with their rights, without secrets.", Needs::Monitor, list),
    ]),
}];

fn who(connection: &mut Connection, _: Words<'_>) -> Control {
    let peer = connection.peer();
    connection.reply(peer.as_ref().and_then(|peer| peer.user()).unwrap_or("default"))
}

fn users(connection: &mut Connection, _: Words<'_>) -> Control {
    shown(connection, |user| user.name().to_owned())
}

fn list(connection: &mut Connection, _: Words<'_>) -> Control {
    shown(connection, |user| {
        let right = match (user.is_admin(), user.is_monitor()) {
            (true, _) => " admin",
            (false, true) => " monitor",
            (false, false) => "",
        };
        format!("user {} on{right}", user.name())
    })
}

fn shown(connection: &Connection, show: impl Fn(&User) -> String) -> Control {
    if !connection.is_monitor() {
        return connection.no_monitor();
    }
    let policy = connection.cx.dispatch.live.policy_full();
    let users = policy.credentials().map(|credentials| credentials.users().sorted()).unwrap_or_default();
    connection.reply(&users.into_iter().map(|user| show(user)).collect::<Vec<_>>())
}
