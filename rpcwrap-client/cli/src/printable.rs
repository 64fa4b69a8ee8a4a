//! What peers say, without anything a terminal would obey: on every way to stdout, stderr and files.
//!
//! Control characters steer terminals; marks of writing direction make a text read as another one. As a text they are
//! shown as U+FFFD; in JSON they are escaped, so that the value is whole.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Line ends and tabs stay.
fn is_obeyed(c: char) -> bool {
    let marks_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n' && c != '\t') || marks_direction
}

/// Such texts need not be looked at character by character.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

/// A text as it may be shown.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return text.into();
    }
    text.replace(is_obeyed, "\u{FFFD}").into()
}

/// JSON of the same value that may be shown: such characters stand in its texts only.
pub(crate) fn printable_json(json: String) -> String {
    if is_plain(&json) {
        return json;
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) {
            // Writing to a String cannot fail; all of them are in the first plane.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_given_no_orders() {
        assert_eq!(
            printable("\x1b]0;x\x07 a\tb\nza\u{17c}\u{9b}\u{7f}"),
            "\u{FFFD}]0;x\u{FFFD} a\tb\nza\u{17c}\u{FFFD}\u{FFFD}"
        );
        assert_eq!(printable("user\u{202e}nimda"), "user\u{FFFD}nimda");
        assert_eq!(printable("👩\u{200d}🔬"), "👩\u{200d}🔬");
    }

    #[test]
    fn json_stays_the_same_value() {
        let every: String = (0..0x20ff).filter_map(char::from_u32).collect();
        let shown = printable_json(serde_json::to_string(&every).unwrap());
        assert!(!shown.contains(is_obeyed), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), every);
        assert_eq!(printable_json("\"\u{9b}\u{7f}ż\"".into()), "\"\\u009b\\u007fż\"");
    }
}
