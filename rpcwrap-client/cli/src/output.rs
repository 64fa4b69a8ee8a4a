//! stdout: replies, lists and tables in the form that was asked for, and nothing else.

use crate::{
    color::Palette,
    failure::Failure,
    format::Format,
    options::Options,
    pretty,
    printable::{printable, printable_json},
};
use codecs::types::Any;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Option<Format>,
    pub(crate) terminal: bool,
    pub(crate) palette: Palette,
}

impl Output {
    pub(crate) fn new(options: &Options) -> Self {
        let terminal = io::stdout().is_terminal();
        Self { format: options.output, terminal, palette: Palette::new(options.color, terminal) }
    }

    /// The form of something that is not a reply.
    pub(crate) fn list_format(self) -> Format {
        self.format.unwrap_or(if self.terminal { Format::Table } else { Format::Raw })
    }

    /// Prints a reply.
    pub(crate) fn reply(self, value: &Any) -> Result<(), Failure> {
        match self.format.unwrap_or(Format::Json) {
            Format::Json if self.terminal => self.print(&pretty::pretty(value, None, self.palette)),
            Format::Json => self.print(&pretty::compact(value)),
            Format::Raw => self.print(&pretty::raw(value)),
            Format::Table => self.print(&table_of(value)),
        }
    }

    /// Prints anything as JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::output(&error.into()))?;
        let text = printable_json(text);
        if !self.terminal {
            return self.print(&text);
        }
        let value: Any = serde_json::from_str(&text).map_err(|error| Failure::output(&error.into()))?;
        self.print(&pretty::pretty(&value, None, self.palette))
    }

    /// Puts a text under a heading in the place of all that is on the terminal.
    pub(crate) fn screen(self, heading: &str, text: &str) -> Result<(), Failure> {
        let heading = self.palette.heading(&printable(heading));
        write(format!("\x1b[H\x1b[2J{heading}\n\n{text}\n").as_bytes())
    }

    /// Prints a text and a line end.
    pub(crate) fn print(self, text: &str) -> Result<(), Failure> {
        // With colours every part has been made printable before it was painted.
        let text = if self.palette.is_plain() { printable(text) } else { text.into() };
        write(format!("{text}\n").as_bytes())
    }
}

/// Writes to stdout, all at once.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

/// Columns without borders.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    let cells = |row: &Vec<String>| row.iter().map(|cell| printable(cell).into_owned()).collect::<Vec<_>>();
    table.load_preset(presets::NOTHING).add_rows(rows.iter().map(cells));
    if !header.is_empty() {
        table.set_header(header.iter().map(|name| printable(name).into_owned()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A list of objects has a row for each, an object one for each member; everything else is one cell.
fn table_of(value: &Any) -> String {
    match value {
        Any::List(items) if items.iter().any(|item| matches!(item, Any::Map(_))) => {
            let mut header: Vec<&str> = Vec::new();
            for item in items {
                let Any::Map(members) = item else { continue };
                for key in members.iter().filter_map(|(key, _)| key.as_str()) {
                    if !header.contains(&key) {
                        header.push(key);
                    }
                }
            }
            let cell = |item: &Any, key: &str| item.get(key).map(pretty::raw).unwrap_or_default();
            let row = |item| header.iter().map(|key| cell(item, key)).collect();
            table(&header, &items.iter().map(row).collect::<Vec<_>>())
        }
        Any::List(items) => items.iter().map(pretty::raw).collect::<Vec<_>>().join("\n"),
        Any::Map(members) => {
            let rows: Vec<Vec<String>> =
                members.iter().map(|(key, value)| vec![key.to_string(), pretty::raw(value)]).collect();
            table(&[], &rows)
        }
        value => pretty::raw(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_values() {
        for (json, wanted) in [
            ("56", "56"),
            (r#"["a",1]"#, "a\n1"),
            (r#"{"Quo":3,"Name":"x"}"#, "Quo   3\nName  x"),
            (r#"["\u009b2J"]"#, "\u{FFFD}2J"),
            (r#"{"\u001b[2J":"\u007f"}"#, "\u{FFFD}[2J  \u{FFFD}"),
            (r#"[{"\u009b":["\u009b"]}]"#, "\u{FFFD}\n[\"\\u009b\"]"),
            (r#"[{"A":1,"B":"x y"},{"B":[1],"C":null}]"#, "A  B    C\n1  x y\n   [1]  null"),
        ] {
            assert_eq!(table_of(&serde_json::from_str(json).unwrap()), wanted, "{json}");
        }
    }
}
