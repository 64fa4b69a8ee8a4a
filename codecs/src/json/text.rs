//! JSON strings on the level of bytes: where one ends, what its escapes mean, how Go escapes one.
//!
//! Shared by the scanner, the deserializer and the serializer; knows nothing of values or messages.

use bytes::BytesMut;
use std::borrow::Cow;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// How many bytes at the front of `bytes` are neither a quote, a backslash nor a control character.
#[inline(always)]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    // Names and most texts end in the first two chunks: that much is worth a copy wherever it is asked for.
    let Some((first, rest)) = bytes.split_first_chunk() else { return short_plain_len(bytes) };
    let hits = specials(first);
    if hits != 0 {
        return first_of(hits);
    }
    let Some((second, rest)) = rest.split_first_chunk() else { return 8 + short_plain_len(rest) };
    match specials(second) {
        0 => 16 + long_plain_len(rest),
        hits => 8 + first_of(hits),
    }
}

#[inline(never)]
fn long_plain_len(bytes: &[u8]) -> usize {
    let (chunks, tail) = bytes.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        let hits = specials(chunk);
        if hits != 0 {
            return index * 8 + first_of(hits);
        }
    }
    bytes.len() - tail.len() + short_plain_len(tail)
}

#[inline(never)]
fn short_plain_len(bytes: &[u8]) -> usize {
    let special = bytes.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
    special.unwrap_or(bytes.len())
}

/// The high bits of the bytes below 0x20, `"` and `\`. A false hit can only follow a true one: the lowest counts.
#[inline(always)]
fn specials(chunk: &[u8; 8]) -> u64 {
    let word = u64::from_le_bytes(*chunk);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGHS
}

#[inline(always)]
fn first_of(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

/// The number that is all of `text`.
#[inline]
pub(super) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The text of a syntactically valid string without its quotes.
///
/// Escapes are resolved as in Go: a lone surrogate, like bytes that are not UTF-8, becomes U+FFFD.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        text.push_str(&String::from_utf8_lossy(plain));
        let (character, len) = resolve(escape);
        text.push(character);
        rest = escape.get(len..).unwrap_or_default();
    }
    text.push_str(&String::from_utf8_lossy(rest));
    Cow::Owned(text)
}

/// What the escape at the front of `escape` stands for, and how many bytes it takes.
fn resolve(escape: &[u8]) -> (char, usize) {
    let simple = match escape.get(1) {
        Some(b'u') => return resolve_unicode(escape),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 2)
}

fn resolve_unicode(escape: &[u8]) -> (char, usize) {
    let Some(first) = hex4(escape) else { return (char::REPLACEMENT_CHARACTER, 6) };
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let second = escape.get(6..).and_then(hex4);
    match second {
        Some(low @ 0xDC00..=0xDFFF) if first < 0xDC00 => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// The number in `\uXXXX` at the front of `escape`.
fn hex4(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
}

/// How each byte of a text goes out: 0 as it is, `u` as `\u00XX`, anything else as a backslash and that.
///
/// 0xE2 starts U+2028 and U+2029, which need a closer look.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses one out of bounds")]
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            0x08 => b'b',
            0x0C => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            same @ (b'"' | b'\\') => same,
            ..0x20 | b'<' | b'>' | b'&' => b'u',
            0xE2 => SEPARATOR,
            _ => 0,
        };
        byte += 1;
    }
    table
};
const SEPARATOR: u8 = 1;

/// Appends `text` in quotes, escaped as Go's `encoding/json` does for HTML: `<`, `>`, `&`, U+2028 and U+2029 too.
pub(super) fn write_quoted(text: &str, out: &mut BytesMut) {
    out.reserve(text.len() + 2);
    out.extend_from_slice(b"\"");
    write_escaped(text, out);
    out.extend_from_slice(b"\"");
}

/// As [`write_quoted`], without the quotes.
pub(super) fn write_escaped(text: &str, out: &mut BytesMut) {
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES.get(usize::from(byte)).copied().unwrap_or_default();
        if escape == 0 {
            continue;
        }
        let mut len = 1;
        if escape == SEPARATOR {
            len = 3;
            match bytes.get(at + 1..at + 3) {
                Some([0x80, 0xA8 | 0xA9]) => {}
                _ => continue,
            }
        }
        out.extend_from_slice(bytes.get(written..at).unwrap_or_default());
        written = at + len;
        match escape {
            SEPARATOR => {
                out.extend_from_slice(if bytes.get(at + 2) == Some(&0xA8) { b"\\u2028" } else { b"\\u2029" })
            }
            b'u' => write_u00(byte, out),
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
    }
    out.extend_from_slice(bytes.get(written..).unwrap_or_default());
}

fn write_u00(byte: u8, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xF)]);
}

/// A valid JSON value as Go echoes it: without blanks between tokens, with the escapes of [`write_quoted`].
pub(super) fn compact(value: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::with_capacity(value.len());
    let mut in_string = false;
    let mut escaped = false;
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' if !in_string => continue,
            b'"' if !escaped => in_string = !in_string,
            b'<' | b'>' | b'&' => {
                write_u00(byte, &mut out);
                continue;
            }
            0xE2 if matches!(rest, [0x80, 0xA8 | 0xA9, ..]) => {
                out.extend_from_slice(if rest.get(1) == Some(&0xA8) { b"\\u2028" } else { b"\\u2029" });
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
        out.extend_from_slice(&[byte]);
    }
    out.into()
}

/// Whether [`compact`] would change `value`.
#[inline]
pub(super) fn is_compact(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'<' | b'>' | b'&' | 0xE2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_special(byte: u8) -> bool {
        byte < 0x20 || byte == b'"' || byte == b'\\'
    }

    #[test]
    fn plain_len_at_every_place_and_for_every_byte() {
        for len in 0..40 {
            assert_eq!(plain_len(&vec![b'x'; len]), len);
            for at in 0..len {
                for byte in 0..=255 {
                    let mut bytes = vec![0x80 | byte; len];
                    bytes[at] = byte;
                    assert_eq!(
                        plain_len(&bytes),
                        if is_special(byte) { at } else { len },
                        "{byte:#x} at {at} of {len}"
                    );
                }
            }
        }
    }

    #[test]
    fn escapes_resolved() {
        for (raw, text) in [
            (&br#"plain"#[..], "plain"),
            (br#"a\"\\\/\b\f\n\r\tz"#, "a\"\\/\u{8}\u{C}\n\r\tz"),
            (br#"\u00e9\u2028\u003c"#, "é\u{2028}<"),
            (br#"\ud83d\ude00"#, "😀"),
            (br#"\ud800"#, "\u{FFFD}"),
            (br#"\ud800x"#, "\u{FFFD}x"),
            (br#"\ud800\n"#, "\u{FFFD}\n"),
            (br#"\ud800\ud800\udc00"#, "\u{FFFD}\u{10000}"),
            (br#"\udc00\ud800"#, "\u{FFFD}\u{FFFD}"),
            (b"a\xFF\\n\xFF", "a\u{FFFD}\n\u{FFFD}"),
        ] {
            assert_eq!(unescape(raw), text, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn escaped_as_go_does() {
        for (text, json) in [
            ("", r#""""#),
            ("a<b>&\u{2028}\u{2029}\u{202A}é", "\"a\\u003cb\\u003e\\u0026\\u2028\\u2029\u{202A}é\""),
            ("\"\\/\u{8}\u{C}\n\r\t\0\u{1f}\u{7f}", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}\""),
        ] {
            let mut out = BytesMut::new();
            write_quoted(text, &mut out);
            assert_eq!(out, json);
        }
    }

    #[test]
    fn compacted_as_go_does() {
        for (value, expected) in [
            (r#"{"a": [1, 2 ]}"#, r#"{"a":[1,2]}"#),
            (r#"" \" \\" "#, r#"" \" \\""#),
            ("[ \"<\u{2028}\" ]", r#"["\u003c\u2028"]"#),
            ("1.50", "1.50"),
        ] {
            assert_eq!(String::from_utf8(compact(value.as_bytes())).unwrap(), expected);
            assert!(is_compact(expected.as_bytes()) || expected.contains(' '));
        }
    }

    proptest! {
        #[test]
        fn escape_then_unescape(text: String) {
            let mut out = BytesMut::new();
            write_escaped(&text, &mut out);
            prop_assert_eq!(unescape(&out), text);
        }

        #[test]
        fn unescape_never_panics(raw: Vec<u8>) {
            let _ = unescape(&raw);
            let _ = compact(&raw);
        }
    }
}
