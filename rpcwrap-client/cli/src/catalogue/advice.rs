//! What a catalogue says to people who have mistyped: the method they may have meant, members that are not there.

use super::{Service, methods};
use codecs::types::Any;
use serde_json::Value;

/// The method whose name is most like `name`, if any is like it.
pub(crate) fn nearest(name: &str, services: &[Service]) -> Option<String> {
    let wanted = name.to_lowercase();
    // The method's own name, for those who have left the service out.
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let alone = known.rsplit('.').next().unwrap_or_default();
        edits(&wanted, &known).min(edits(&wanted, alone) + usize::from(alone != wanted))
    };
    let all = methods(services).map(|(known, _)| (distance(&known), known));
    let (distance, known) = all.min()?;
    // A third of the letters may be wrong; else it is another name.
    (distance <= wanted.chars().count().div_ceil(3)).then_some(known)
}

/// Letters that are added, gone or others (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.iter().enumerate() {
            let changed = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// What is wrong with the members of an argument, if some are not in the method's template.
///
/// JSON's servers take names in any case, as Go does.
pub(crate) fn strange_members(argument: &Any, template: &str, any_case: bool) -> Option<String> {
    let template: Value = serde_json::from_str(template).ok()?;
    let (mut strange, mut missing) = (Vec::new(), Vec::new());
    compare(argument, &template, any_case, "", &mut strange, &mut missing);
    if strange.is_empty() {
        return None;
    }
    let mut text = format!("no such member of the argument: {}", strange.join(", "));
    if !missing.is_empty() {
        text.push_str(&format!("; not given: {}", missing.join(", ")));
    }
    Some(text)
}

fn compare(
    argument: &Any,
    template: &Value,
    any_case: bool,
    path: &str,
    strange: &mut Vec<String>,
    missing: &mut Vec<String>,
) {
    let (Any::Map(given), Value::Object(known)) = (argument, template) else { return };
    // A map, or a type that does not say.
    if known.is_empty() {
        return;
    }
    let is_same = |a: &str, b: &str| if any_case { a.to_lowercase() == b.to_lowercase() } else { a == b };
    for (name, value) in given {
        let name = name.to_str_lossy();
        match known.iter().find(|(known, _)| is_same(known, &name)) {
            Some((known, template)) => {
                let path = format!("{path}{known}.");
                compare(value, template, any_case, &path, strange, missing);
            }
            None => strange.push(format!("{path}{name}")),
        }
    }
    let is_given = |known: &str| given.iter().any(|(name, _)| is_same(known, &name.to_str_lossy()));
    missing.extend(known.keys().filter(|known| !is_given(known)).map(|known| format!("{path}{known}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Method;

    #[test]
    fn names_that_were_meant() {
        let method = |name: &str| Method { name: name.to_owned(), ..Method::default() };
        let service = |name: &str, methods: &[&str]| Service {
            name: name.to_owned(),
            methods: methods.iter().map(|name| method(name)).collect(),
            ..Service::default()
        };
        let services = [service("Arith", &["Multiply", "Divide"]), service("Echo", &["Any"])];
        for (name, meant) in [
            ("Arith.Multply", Some("Arith.Multiply")),
            ("arith.multiply", Some("Arith.Multiply")),
            ("Arit.Divide", Some("Arith.Divide")),
            ("Multiply", Some("Arith.Multiply")),
            ("Echo.An", Some("Echo.Any")),
            ("No.Such", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &services).as_deref(), meant, "{name}");
        }
        assert_eq!(nearest("A.B", &[]), None);
    }

    #[test]
    fn members_that_are_not_there() {
        let template = r#"{"A":0,"B":0,"Sub":{"X":""},"Map":{}}"#;
        for (argument, any_case, text) in [
            (r#"{"A":1}"#, false, None),
            (r#"{"a":1}"#, true, None),
            (r#"{"Map":{"k":1}}"#, false, None),
            ("7", false, None),
            (r#"{"A":7,"C":8,"Sub":{"X":""},"Map":{}}"#, false, Some("C; not given: B")),
            (r#"{"a":1,"B":2,"Sub":{"X":"","Y":0},"Map":{}}"#, true, Some("Sub.Y")),
            (r#"{"a":1,"B":2,"Sub":{},"Map":{}}"#, false, Some("a; not given: Sub.X, A")),
        ] {
            let argument: Any = serde_json::from_str(argument).unwrap();
            let text = text.map(|text| format!("no such member of the argument: {text}"));
            assert_eq!(strange_members(&argument, template, any_case), text, "{argument:?}");
        }
        assert_eq!(strange_members(&Any::Map(vec![("a".into(), Any::Null)]), "", false), None);
    }
}
