//! What a failed call says.

use crate::{
    error::ValueError,
    types::{Any, Text},
};
use serde_json::Value;
use std::borrow::Cow;

/// What a failed call says to its caller.
///
/// `text` is all an old peer sees. `code` and `data` go out beside it only to peers that asked for them
/// ([`Head::details`](super::Head::details)).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorReply {
    /// Go's error string. An empty text is a success in the originals; servers must not send it as an error.
    pub text: String,
    /// A stable word for programs, such as `deadline`; empty if there is none.
    pub code: String,
    /// Anything more, in JSON's data model.
    pub data: Option<Value>,
}

impl ErrorReply {
    /// An error with a text and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What an error says that is no text, as a server that is none of Go's may have it: of a map its `message`, `code`
    /// and `data`, as JSON-RPC 2.0 has them, of bytes the text they are, of any other value its JSON.
    #[cold]
    pub(crate) fn of_value(value: Result<Any, ValueError>) -> Self {
        match value {
            Ok(Any::Text(text)) => Self::new(text.to_str_lossy()),
            Ok(Any::Blob(bytes)) => Self::new(String::from_utf8_lossy(&bytes)),
            Ok(Any::Named(named)) => Self::of_value(Ok(named.value)),
            Ok(value) => Self::of_members(&value),
            Err(why) => Self::new(format!("an error that cannot be read: {why}")),
        }
    }

    fn of_members(value: &Any) -> Self {
        let member = |name: &str| match value {
            Any::Map(members) => {
                members.iter().rev().find(|(key, _)| is_called(key, name)).map(|(_, value)| value.unnamed())
            }
            _ => None,
        };
        let whole = || match value.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let Some(Any::Text(text)) = member("message") else { return Self::new(whole()) };
        let text = worded(text.to_str_lossy().into_owned());
        let code = match member("code") {
            None | Some(Any::Null) => String::new(),
            Some(Any::Text(code)) => code.to_str_lossy().into_owned(),
            Some(code) => code.to_json().to_string(),
        };
        Self { text, code, data: member("data").map(Any::to_json) }
    }

    /// What goes out as `Code` and `Data`, to a peer that reads them.
    pub(crate) fn details(&self, reads_details: bool) -> (Option<&str>, Option<&Value>) {
        if !reads_details {
            return (None, None);
        }
        (Some(&*self.code).filter(|code| !code.is_empty()), self.data.as_ref())
    }

    /// The text as it goes out: a name of a method that is not UTF-8 stands at its end as it came, since Go echoes such
    /// names raw and a `String` cannot hold them.
    #[inline]
    pub(crate) fn text_for(&self, name: &[u8]) -> Cow<'_, [u8]> {
        match String::from_utf8_lossy(name) {
            Cow::Owned(lossy) => match self.text.strip_suffix(&*lossy) {
                Some(before) => Cow::Owned([before.as_bytes(), name].concat()),
                None => Cow::Borrowed(self.text.as_bytes()),
            },
            Cow::Borrowed(_) => Cow::Borrowed(self.text.as_bytes()),
        }
    }
}

/// Go's client says the same of an error without words.
pub(crate) fn worded(text: String) -> String {
    if text.is_empty() { "unspecified error".to_owned() } else { text }
}

/// Whether a member has this name, in any case: Go's would begin with a capital.
fn is_called(key: &Text, name: &str) -> bool {
    key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Time;
    use serde_json::json;

    #[test]
    fn errors_that_are_no_texts() {
        let map = |members: &[(&str, Any)]| {
            Any::Map(members.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
        };
        let reply = |text: &str, code: &str, data| ErrorReply { text: text.into(), code: code.into(), data };
        for (value, expected) in [
            (Any::Int(-7), reply("-7", "", None)),
            (Any::Uint(u64::MAX), reply("18446744073709551615", "", None)),
            (Any::Float(1.5), reply("1.5", "", None)),
            (Any::Float(f64::NAN), reply("NaN", "", None)),
            (Time::new(1_700_000_000, 0).unwrap().into(), reply("2023-11-14T22:13:20Z", "", None)),
            (Any::Bool(false), reply("false", "", None)),
            (Any::Text("as it is".into()), reply("as it is", "", None)),
            (Any::Blob(b"by\xfftes".into()), reply("by\u{fffd}tes", "", None)),
            (Any::List(vec!["x".into(), Any::Null]), reply(r#"["x",null]"#, "", None)),
            (map(&[]), reply("{}", "", None)),
            (map(&[("why", "x".into())]), reply(r#"{"why":"x"}"#, "", None)),
            (map(&[("message", "".into())]), reply("unspecified error", "", None)),
            (map(&[("message", Any::Int(5))]), reply(r#"{"message":5}"#, "", None)),
            (map(&[("message", "m".into()), ("code", Any::Int(-1))]), reply("m", "-1", None)),
            (
                map(&[
                    ("Code", "E1".into()),
                    ("Data", vec![Any::Bool(true)].into()),
                    ("Message", "m".into()),
                ]),
                reply("m", "E1", Some(json!([true]))),
            ),
        ] {
            assert_eq!(ErrorReply::of_value(Ok(value.clone())), expected, "{value:?}");
        }
        let unread = ErrorReply::of_value(Err(ValueError::new("kind 7")));
        assert_eq!(unread.text, "an error that cannot be read: kind 7");
    }
}
