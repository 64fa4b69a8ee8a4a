//! A value as people read it: indented JSON with colours, what has changed set apart.

use crate::{
    color::Palette,
    printable::{printable, printable_json},
};
use codecs::types::Any;

/// The value with texts where bytes are texts.
///
/// In vitess' BSON a string and a `[]byte` are one kind, which comes as bytes. What is UTF-8 without control characters
/// is taken for a text; other bytes stay and are shown in base64, as Go shows them in JSON.
pub(crate) fn with_texts(value: Any) -> Any {
    match value {
        Any::Blob(bytes) => match String::from_utf8(bytes.0) {
            Ok(text) if !text.contains(|c: char| c.is_control() && !"\t\n\r".contains(c)) => text.into(),
            Ok(text) => Any::Blob(text.into_bytes().into()),
            Err(error) => Any::Blob(error.into_bytes().into()),
        },
        Any::List(items) => Any::List(items.into_iter().map(with_texts).collect()),
        Any::Named(named) => with_texts(named.value),
        Any::Map(members) => {
            Any::Map(members.into_iter().map(|(key, value)| (key, with_texts(value))).collect())
        }
        other => other,
    }
}

/// The value with texts for the numbers JSON has no words for, in those of protobuf's JSON: `"NaN"`, `"Infinity"`.
pub(crate) fn in_json(value: Any) -> Any {
    match value {
        Any::Float(number) if number.is_nan() => "NaN".into(),
        Any::Float(f64::INFINITY) => "Infinity".into(),
        Any::Float(f64::NEG_INFINITY) => "-Infinity".into(),
        Any::List(items) => Any::List(items.into_iter().map(in_json).collect()),
        Any::Map(members) => {
            Any::Map(members.into_iter().map(|(key, value)| (key, in_json(value))).collect())
        }
        other => other,
    }
}

/// Indented JSON without a line end; where there was a value before, with every part that differs from it set apart.
pub(crate) fn pretty(value: &Any, before: Option<&Any>, palette: Palette) -> String {
    let mut printer = Printer { palette, compare: before.is_some(), out: String::new() };
    printer.value(value, before, 0);
    printer.out
}

/// JSON in one line.
pub(crate) fn compact(value: &Any) -> String {
    // An Any has no key that is not a text, and `in_json` has replaced what JSON has no word for.
    printable_json(serde_json::to_string(value).unwrap_or_default())
}

/// As `compact`, but a text is itself, without quotes.
pub(crate) fn raw(value: &Any) -> String {
    match value {
        Any::Text(text) => printable(&text.to_string()).into_owned(),
        value => compact(value),
    }
}

struct Printer {
    palette: Palette,
    compare: bool,
    out: String,
}

impl Printer {
    fn value(&mut self, value: &Any, before: Option<&Any>, depth: usize) {
        match value {
            Any::List(items) if !items.is_empty() => {
                let old: &[Any] = if let Some(Any::List(old)) = before { old } else { &[] };
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.next(index, depth + 1);
                    self.value(item, old.get(index), depth + 1);
                }
                self.new_line(depth);
                self.out.push(']');
            }
            Any::Map(members) if !members.is_empty() => {
                self.out.push('{');
                for (index, (key, item)) in members.iter().enumerate() {
                    self.next(index, depth + 1);
                    let quoted = compact(&Any::Text(key.clone()));
                    self.out.push_str(&self.palette.key(&quoted));
                    self.out.push_str(": ");
                    let old = key.as_str().and_then(|key| before?.get(key));
                    self.value(item, old, depth + 1);
                }
                self.new_line(depth);
                self.out.push('}');
            }
            leaf => self.leaf(leaf, before),
        }
    }

    fn leaf(&mut self, value: &Any, before: Option<&Any>) {
        let text = compact(value);
        let painted = match value {
            _ if self.compare && before != Some(value) => self.palette.changed(&text),
            Any::Text(_) => self.palette.text(&text),
            _ => text,
        };
        self.out.push_str(&painted);
    }

    fn next(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push(',');
        }
        self.new_line(depth);
    }

    fn new_line(&mut self, depth: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorWhen;

    fn any(json: &str) -> Any {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn without_colours_it_is_serde_jsons_form() {
        let plain = Palette::new(ColorWhen::Never, false);
        for json in [
            "56",
            "\"a\\n\\\"b\"",
            "[]",
            "{}",
            "[1,[],{}]",
            r#"{"b":[{"c":null}],"a":1.5,"\"":true}"#,
            r#"[[["deep"]]]"#,
        ] {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            let theirs: Any = any(json);
            let wanted = serde_json::to_string_pretty(&theirs).unwrap();
            assert_eq!(pretty(&theirs, None, plain), wanted);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&wanted).unwrap(), value);
        }
    }

    #[test]
    fn numbers_json_has_no_word_for() {
        let value = Any::List(vec![
            Any::Float(f64::NAN),
            Any::Map(vec![("k".into(), Any::Float(f64::NEG_INFINITY))]),
            Any::Float(1.5),
        ]);
        assert_eq!(compact(&in_json(value)), r#"["NaN",{"k":"-Infinity"},1.5]"#);
    }

    #[test]
    fn no_form_gives_terminals_orders() {
        let value = any(r#"{"k\u009b":"\u001b[2J\u007f\u202e\u009b"}"#);
        let painted = pretty(&value, None, Palette::new(ColorWhen::Always, false));
        let plain = pretty(&value, None, Palette::new(ColorWhen::Never, false));
        let wanted = r#"{"k\u009b":"\u001b[2J\u007f\u202e\u009b"}"#;
        assert_eq!(compact(&value), wanted);
        assert_eq!(plain.split_whitespace().collect::<String>(), wanted);
        assert!(!painted.contains(['\u{9b}', '\u{7f}', '\u{202e}']) && !painted.contains("\x1b[2J"));
        assert_eq!(raw(&any(r#""\u001b[2J\u009b""#)), "\u{FFFD}[2J\u{FFFD}");
    }

    #[test]
    fn bytes_that_are_texts() {
        let blob = |bytes: &[u8]| Any::Blob(bytes.into());
        let value = Any::List(vec![
            blob("za\tżółć".as_bytes()),
            blob(b"\xff\xfe"),
            blob(b"a\0"),
            Any::Map(vec![("k".into(), blob(b""))]),
            Any::Int(7),
        ]);
        assert_eq!(compact(&with_texts(value)), r#"["za\tżółć","//4=","YQA=",{"k":""},7]"#);
    }

    #[test]
    fn changes_are_set_apart() {
        let palette = Palette::new(ColorWhen::Always, false);
        let shown = |before, now| pretty(&any(now), Some(&any(before)), palette);
        for (before, now, marked) in [
            ("1", "1", vec![]),
            ("1", "2", vec!["2"]),
            (r#"{"a":1,"b":[1,2]}"#, r#"{"a":1,"b":[1,3],"c":0}"#, vec!["3", "0"]),
            ("[1]", r#"{"0":1}"#, vec!["1"]),
            ("[[1]]", "[[]]", vec!["[]"]),
        ] {
            let text = shown(before, now);
            let found: Vec<&str> =
                text.split("\x1b[7m").skip(1).filter_map(|part| part.split("\x1b[0m").next()).collect();
            assert_eq!(found, marked, "{before} → {now}");
        }
    }
}
