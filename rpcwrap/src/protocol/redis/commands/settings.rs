//! The settings and the filter of the log, while the server runs.

use crate::{
    admin::{Change, Done, Operation, Query},
    protocol::redis::{
        connection::{Connection, encoded},
        row::{Group, Needs, Row, Run},
    },
    session::{Answer, Control},
};
use codecs::resp::{Status, Words};
use std::collections::BTreeMap;

/// The name of the log's filter among the settings.
const LOG_LEVEL: &str = "loglevel";
/// What the filter is called before it was changed.
const AS_STARTED: &str = "as started";

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "SETLOGLVL",
        syntax: "[level]",
        words: 0..=1,
        summary: "Shows the filter of the log, or sets another.",
        group: Group::Server,
        needs: Needs::Admin,
        run: Run::Here(log),
    },
    Row {
        name: "CONFIG",
        syntax: "GET pattern [pattern ...]|SET name value [name value ...]",
        words: 1..=usize::MAX,
        summary: "Shows the settings, or changes those that can change while the server runs.",
        group: Group::Server,
        needs: Needs::Admin,
        run: Run::Within(&[
            Row {
                name: "GET",
                syntax: "pattern [pattern ...]",
                words: 1..=usize::MAX,
                summary: "The settings whose names are of the pattern.",
                group: Group::Server,
                needs: Needs::Monitor,
                run: Run::Here(get),
            },
            Row {
                name: "SET",
                syntax: "name value [name value ...]",
                words: 2..=usize::MAX,
                summary: "Other values from now on, all of them or none.",
                group: Group::Server,
                needs: Needs::Admin,
                run: Run::Here(set),
            },
        ]),
    },
];

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn log(connection: &mut Connection, words: Words<'_>) -> Control {
    match words.get(1) {
        None => connection.operate(Operation::Query(Query::Settings), |encoder, done| match done {
            Done::Settings { log, .. } => encoded(encoder, log.as_deref().unwrap_or(AS_STARTED)),
            _ => Answer::default(),
        }),
        Some(filter) => set_log(connection, filter),
    }
}

fn set_log(connection: &Connection, filter: &[u8]) -> Control {
    let change = Change::SetLog(text(filter));
    connection.operate(Operation::Change(change), |encoder, _| encoded(encoder, &Status("OK")))
}

fn get(connection: &mut Connection, words: Words<'_>) -> Control {
    let patterns: Vec<_> = words.skip(2).iter().map(|word| word.to_ascii_lowercase()).collect();
    connection.operate(Operation::Query(Query::Settings), move |encoder, done| {
        let Done::Settings { log, settings, .. } = done else { return Answer::default() };
        let log = (LOG_LEVEL, log.unwrap_or_else(|| AS_STARTED.to_owned()));
        let all = settings.into_iter().map(|one| (one.name, one.value)).chain([log]);
        let is_wanted = |name: &str| patterns.iter().any(|pattern| matches(pattern, name.as_bytes()));
        encoded(encoder, &all.filter(|(name, _)| is_wanted(name)).collect::<BTreeMap<_, _>>())
    })
}

fn set(connection: &mut Connection, words: Words<'_>) -> Control {
    let pairs = words.skip(2);
    if pairs.len() == 2 && pairs.is(0, LOG_LEVEL) {
        return set_log(connection, pairs.get(1).unwrap_or_default());
    }
    let known = connection.cx.dispatch.live.config().settings().map(|one| one.name).collect::<Vec<_>>();
    let mut settings = Vec::new();
    for at in (0..pairs.len()).step_by(2) {
        let name = pairs.get(at).unwrap_or_default();
        let known = known.iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let (Some(known), Some(value)) = (known, pairs.get(at + 1)) else {
            let name = text(name.get(..128).unwrap_or(name));
            let text = format!("Unknown option or number of arguments for CONFIG SET - '{name}'");
            return connection.error("ERR", &text);
        };
        settings.push(((*known).to_owned(), text(value)));
    }
    connection.operate(Operation::Change(Change::Set(settings)), |encoder, _| encoded(encoder, &Status("OK")))
}

/// Whether a name is of a pattern: `*` any characters, `?` one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(byte) if *byte == b'?' || Some(byte) == name.get(of) => (at, of) = (at + 1, of + 1),
            _ => match star {
                Some((place, tried)) => {
                    star = Some((place, tried + 1));
                    (at, of) = (place + 1, tried + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, is_of) in [
            ("*", "max_calls", true),
            ("max_*", "max_calls", true),
            ("*_calls", "max_calls", true),
            ("m*_c*s", "max_calls", true),
            ("max?calls", "max_calls", true),
            ("max_call", "max_calls", false),
            ("max_calls*", "max_calls", true),
            ("*x*x*x", "max_calls", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), is_of, "{pattern} {name}");
        }
    }
}
