//! Go's `string`: bytes that are mostly, but not always, UTF-8.
//!
//! Knows serde's calls and nothing of any one codec; codecs recognise the newtype name `TEXT`.

use super::{AsBlob, TEXT};
use crate::form;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use std::{borrow::Cow, fmt};

/// A text as Go has it: any bytes, UTF-8 by convention only.
///
/// On the wire: BSON the bytes as they are; JSON a text, with U+FFFD in the place of what is not UTF-8.
/// Use `String` where only UTF-8 is welcome.
///
/// ```
/// use rpcwrap_codecs::types::Text;
/// assert_eq!(Text::from("kota"), "kota");
/// assert_eq!(serde_json::to_string(&Text::from(vec![b'a', 0xFF])).unwrap(), "\"a\u{FFFD}\"");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub Vec<u8>);

byte_string!(Text);

impl Text {
    /// The text with U+FFFD in the place of what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => fmt::Debug::fmt(text, f),
            None => write!(f, "b\"{}\"", self.0.escape_ascii()),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str_lossy())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if form::is_text(serializer.is_human_readable()) {
            serializer.serialize_str(&self.to_str_lossy())
        } else {
            serializer.serialize_newtype_struct(TEXT, &AsBlob(&self.0))
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            false => deserializer.deserialize_newtype_struct(TEXT, TextVisitor),
            true if form::is_text(true) => deserializer.deserialize_str(TextVisitor),
            true => deserializer.deserialize_any(TextVisitor),
        }
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("string")
    }

    visits! {
        visit_str(text: &str) => text.into();
        visit_string(text: String) => text.into();
        visit_bytes(bytes: &[u8]) => bytes.into();
        visit_byte_buf(bytes: Vec<u8>) => Text(bytes);
        visit_unit() => Text::default();
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_byte_buf(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_text_with_replacements() {
        for (bytes, json) in [
            (&b"hello"[..], "\"hello\""),
            (b"", "\"\""),
            (b"h\xC3\xA9\xFFo", "\"hé\u{FFFD}o\""),
            (b"\xFF\xFE", "\"\u{FFFD}\u{FFFD}\""),
        ] {
            assert_eq!(serde_json::to_string(&Text::from(bytes)).unwrap(), json);
        }
        assert_eq!(serde_json::from_str::<Text>(r#""hé""#).unwrap(), "hé");
        assert!(serde_json::from_str::<Text>("5").is_err());
    }

    #[test]
    fn debug_shows_bytes_only_where_they_are_no_text() {
        assert_eq!(format!("{:?}", Text::from("é\"")), r#""é\"""#);
        assert_eq!(format!("{:?}", Text::from(vec![b'a', 0xFF])), r#"b"a\xff""#);
        assert_eq!(Text::from(vec![b'a', 0xFF]).to_string(), "a\u{FFFD}");
    }
}
