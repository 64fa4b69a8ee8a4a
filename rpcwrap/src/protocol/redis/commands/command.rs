//! What there is to ask: the server's commands, those of the program, and the methods.

use crate::{
    call::registry::Entry,
    protocol::redis::{
        connection::Connection,
        row::{Group, Needs, Row, Run},
    },
    session::Control,
};
use codecs::{
    resp::{Set, Status, Verbatim, Words},
    schema::{Node, Schema, TypeOf},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::fmt::Write;

pub(super) static ROWS: &[Row<Connection>] = &[
    Row {
        name: "COMMAND",
        syntax: "[COUNT|LIST|INFO [name ...]|DOCS [name ...]]",
        words: 0..=usize::MAX,
        summary: "All commands and methods, as clients read them.",
        group: Group::Server,
        needs: Needs::Login,
        run: Run::Here(command),
    },
    Row {
        name: "HELP",
        syntax: "[name]",
        words: 0..=1,
        summary: "All commands and methods, as people read them.",
        group: Group::Server,
        needs: Needs::Login,
        run: Run::Here(help),
    },
];

/// One that can be asked, whatever it is.
struct Known {
    name: String,
    arity: i64,
    flags: Vec<&'static str>,
    summary: String,
    group: &'static str,
    arguments: Vec<Argument>,
    within: Vec<Self>,
}

/// What goes with a name.
#[derive(Serialize)]
struct Argument {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Status<&'static str>>,
}

impl Argument {
    fn new(name: impl Into<String>, kind: &'static str, is_optional: bool) -> Self {
        let flags = if is_optional { vec![Status("optional")] } else { Vec::new() };
        Self { name: name.into(), kind, flags }
    }
}

impl Known {
    fn of_row(row: &Row<Connection>, parent: Option<&str>) -> Self {
        let name = row.name.to_ascii_lowercase();
        let before = if parent.is_some() { 2 } else { 1 };
        let optional = row.syntax.strip_prefix('[').and_then(|syntax| syntax.strip_suffix(']'));
        let arguments = match row.syntax {
            "" => Vec::new(),
            syntax => vec![Argument::new(optional.unwrap_or(syntax), "string", optional.is_some())],
        };
        let flags = match row.needs {
            Needs::Nothing => vec!["no_auth", "fast"],
            Needs::Login => vec!["fast"],
            Needs::Monitor => vec!["admin", "readonly"],
            Needs::Admin => vec!["admin"],
        };
        Self {
            arity: row.arity(before),
            flags,
            summary: row.summary.to_owned(),
            group: row.group.name(),
            arguments,
            within: row.within().iter().map(|part| Self::of_row(part, Some(&name))).collect(),
            name: parent.map_or(name.clone(), |parent| format!("{parent}|{name}")),
        }
    }

    fn of_entry(entry: &Entry, admin: bool) -> Self {
        let method = &entry.options;
        let arguments = method.types.args.as_ref().map(TypeOf::schema).map(arguments).unwrap_or_default();
        let mut flags = vec![if method.read_only { "readonly" } else { "write" }];
        if admin {
            flags.push("admin");
        }
        let summary = match method.doc.is_empty() {
            true => method.types.signature().to_string(),
            false => method.doc.clone(),
        };
        Self {
            name: entry.full_name.to_string(),
            arity: -1,
            flags,
            summary,
            group: if entry.full_name.contains('.') { "method" } else { "program" },
            arguments,
            within: Vec::new(),
        }
    }
}

/// The fields of a struct, the one value of anything else.
fn arguments(schema: &Schema) -> Vec<Argument> {
    let kind = |node: &Node| match node {
        Node::Int(_) | Node::Uint(_) => "integer",
        Node::Float(_) => "double",
        _ => "string",
    };
    match schema.node(schema.root()) {
        Node::Unit => Vec::new(),
        Node::Struct { fields, .. } => fields
            .iter()
            .map(|field| {
                let (inner, is_optional) = schema.without_options(field.node);
                Argument::new(field.name, kind(schema.node(inner)), is_optional)
            })
            .collect(),
        other => vec![Argument::new("value", kind(other), false)],
    }
}

/// Everything the peer may know of.
fn all(connection: &Connection) -> Vec<Known> {
    let registry = &connection.cx.dispatch.registry;
    let rows = connection.shared.rows.iter().map(|row| Known::of_row(row, None));
    let commands = registry.commands().map(|command| Known::of_entry(&command.entry, command.admin));
    let may_know = connection.may_know();
    let methods = registry.entries().into_iter().filter(|entry| may_know(entry));
    rows.chain(commands).chain(methods.map(|entry| Known::of_entry(entry, false))).collect()
}

/// Of these, the ones that are named, or nothing in the place of a name that there is not.
fn named(all: Vec<Known>, names: Words<'_>) -> Vec<Option<Known>> {
    if names.is_empty() {
        return all.into_iter().map(Some).collect();
    }
    let mut all: Vec<_> = all.into_iter().map(Some).collect();
    let find = |name: &[u8]| {
        let is = |one: &Option<Known>| {
            one.as_ref().is_some_and(|one| name.eq_ignore_ascii_case(one.name.as_bytes()))
        };
        all.iter_mut().find(|one| is(one)).and_then(Option::take)
    };
    names.iter().map(find).collect()
}

fn command(connection: &mut Connection, words: Words<'_>) -> Control {
    let all = all(connection);
    match () {
        () if words.len() == 1 => connection.reply(&all.iter().map(Info).collect::<Vec<_>>()),
        () if words.is(1, "COUNT") && words.len() == 2 => connection.reply(&all.len()),
        () if words.is(1, "LIST") && words.len() == 2 => {
            connection.reply(&all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
        }
        () if words.is(1, "INFO") => {
            let named = named(all, words.skip(2));
            connection.reply(&named.iter().map(|one| one.as_ref().map(Info)).collect::<Vec<_>>())
        }
        () if words.is(1, "DOCS") => {
            let named: Vec<_> = named(all, words.skip(2)).into_iter().flatten().collect();
            connection.reply(&Docs(&named))
        }
        () => connection.unknown_part(words),
    }
}

/// One in COMMAND's form: a list of ten.
struct Info<'a>(&'a Known);

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Known { name, arity, flags, within, .. } = self.0;
        let flags = Set(flags.iter().map(Status).collect::<Vec<_>>());
        let none: [&str; 0] = [];
        let within: Vec<_> = within.iter().map(Info).collect();
        (name, arity, flags, 0, 0, 0, Set(none), Set(none), Set(none), within).serialize(serializer)
    }
}

/// All in COMMAND DOCS' form: a map by their names.
struct Docs<'a>(&'a [Known]);

impl Serialize for Docs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for one in self.0 {
            map.serialize_entry(&one.name, &Doc(one))?;
        }
        map.end()
    }
}

struct Doc<'a>(&'a Known);

impl Serialize for Doc<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Known { summary, group, arguments, within, .. } = self.0;
        let members = 3 + usize::from(!arguments.is_empty()) + usize::from(!within.is_empty());
        let mut map = serializer.serialize_map(Some(members))?;
        map.serialize_entry("summary", summary)?;
        map.serialize_entry("since", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("group", group)?;
        if !arguments.is_empty() {
            map.serialize_entry("arguments", arguments)?;
        }
        if !within.is_empty() {
            map.serialize_entry("subcommands", &Docs(within))?;
        }
        map.end()
    }
}

fn help(connection: &mut Connection, words: Words<'_>) -> Control {
    let mut text = String::new();
    for one in named(all(connection), words.skip(1)).into_iter().flatten() {
        for one in std::iter::once(&one).chain(&one.within) {
            let arguments = one.arguments.iter().map(|argument| match argument.flags.is_empty() {
                true => format!(" {}", argument.name),
                false => format!(" [{}]", argument.name),
            });
            let syntax: String = arguments.collect();
            // A text takes all that is written to it.
            let _ = writeln!(text, "{}{syntax}\n    {}", one.name.replace('|', " "), one.summary);
        }
    }
    if text.is_empty() {
        return connection.error("ERR", "no command and no method of that name");
    }
    connection.reply(&Verbatim(text))
}
