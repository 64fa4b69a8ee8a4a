//! What a peer has said, as it may stand in a line of log: it cannot end the line, pass for other fields, steer a
//! terminal or fill the log.

use std::fmt::{self, Write};

/// Bytes of a text that are shown.
const SHOWN: usize = 128;

/// Shows a text of a peer's in a line of log: control characters and what changes the direction of writing are escaped
/// as in Rust's literals, and of more than 128 bytes the rest is counted.
///
/// Quoted where it would not read as one word; `{:?}` always, `{:#}` never.
///
/// ```
/// use rpcwrap_codecs::LogText;
/// assert_eq!(LogText::new("Arith.Multiply").to_string(), "Arith.Multiply");
/// assert_eq!(LogText::new("x\n2026 INFO user=root").to_string(), r#""x\n2026 INFO user=root""#);
/// assert_eq!(LogText::new("a".repeat(1000)).to_string(), format!("\"{}… 872 bytes more\"", "a".repeat(128)));
/// ```
#[derive(Clone, Copy)]
pub struct LogText<T> {
    text: T,
    shown: usize,
}

impl<T: fmt::Display> LogText<T> {
    /// A text, or a value that writes it.
    pub fn new(text: T) -> Self {
        Self { text, shown: SHOWN }
    }

    /// The same with another bound than 128 bytes.
    #[must_use]
    pub fn up_to(self, shown: usize) -> Self {
        Self { shown, ..self }
    }

    fn escaped(&self) -> Escaped {
        let mut escaped = Escaped { text: String::new(), room: self.shown, more: 0, is_word: true };
        // A value that cannot be written is shown as far as it was.
        let _ = write!(escaped, "{}", self.text);
        escaped
    }
}

impl<T: fmt::Display> fmt::Display for LogText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.escaped();
        let is_quoted = !f.alternate() && !escaped.is_one_word();
        escaped.write(f, is_quoted)
    }
}

impl<T: fmt::Display> fmt::Debug for LogText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.escaped().write(f, true)
    }
}

/// A text as far as it is shown.
struct Escaped {
    text: String,
    /// Bytes that may still be shown.
    room: usize,
    /// Bytes that are not shown.
    more: usize,
    /// No character so far would need quotes.
    is_word: bool,
}

impl Escaped {
    fn is_one_word(&self) -> bool {
        self.is_word && self.more == 0 && !self.text.is_empty()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, is_quoted: bool) -> fmt::Result {
        let quote = if is_quoted { "\"" } else { "" };
        match self.more {
            0 => write!(f, "{quote}{}{quote}", self.text),
            more => write!(f, "{quote}{}… {more} bytes more{quote}", self.text),
        }
    }
}

impl Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, c) in text.char_indices() {
            if c.len_utf8() > self.room {
                // Nothing after it is shown either.
                self.room = 0;
                self.more += text.len() - at;
                break;
            }
            self.room -= c.len_utf8();
            self.is_word &= c.is_alphanumeric() || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '='));
            match c {
                // Nothing ends with it here.
                '\'' => self.text.push(c),
                c => self.text.extend(c.escape_debug()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_as_they_are_and_the_rest_is_quoted() {
        for (text, shown) in [
            ("Arith.Multiply", "Arith.Multiply"),
            ("[::1]:9001", "[::1]:9001"),
            ("unix:/run/x", "unix:/run/x"),
            ("Größe", "Größe"),
            ("it's", "it's"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a=b", r#""a=b""#),
            ("a\"b", r#""a\"b""#),
            ("a\\nb", r#""a\\nb""#),
            ("a\nb\r\t\0", r#""a\nb\r\t\0""#),
            ("\x1b[2Jx\x7f\u{9b}", r#""\u{1b}[2Jx\u{7f}\u{9b}""#),
        ] {
            assert_eq!(LogText::new(text).to_string(), shown);
            let bare = shown.trim_matches('"').to_owned() + if text.ends_with('"') { "\"" } else { "" };
            assert_eq!(format!("{:#}", LogText::new(text)), bare);
            assert_eq!(format!("{:?}", LogText::new(text)), format!("\"{bare}\""));
        }
    }

    #[test]
    fn nothing_hidden_passes() {
        let bidi =
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        for c in bidi.chars().chain("\u{200b}\u{2028}\u{2029}\u{feff}\u{85}\u{ad}".chars()) {
            let shown = LogText::new(c).to_string();
            assert_eq!(shown, format!("\"\\u{{{:x}}}\"", u32::from(c)));
        }
        for c in (0..0x20).chain(0x7f..0xa0).map(|c| char::from_u32(c).unwrap()) {
            assert!(LogText::new(c).to_string().is_ascii(), "{c:?}");
        }
    }

    #[test]
    fn the_rest_is_counted() {
        let shown = |text: &str| format!("{:#}", LogText::new(text).up_to(4));
        assert_eq!(shown("abcd"), "abcd");
        assert_eq!(shown("abcdefg"), "abcd… 3 bytes more");
        // No character is cut, and none after it comes back.
        assert_eq!(shown("abcößa"), "abc… 5 bytes more");
        let in_pieces = |first: &str, number: i32| {
            format!("{:#}", LogText::new(format_args!("{first}{number}")).up_to(4))
        };
        assert_eq!(in_pieces("abcöd", 12), "abc… 5 bytes more");
        let escaped = LogText::new("\u{202e}".repeat(1_000)).to_string();
        assert!(escaped.ends_with("… 2874 bytes more\"") && escaped.len() < 1_024, "{escaped}");
    }
}
