//! Inline commands: a line of words as people type it, with quotes and escapes.
//!
//! As Redis's `sdssplitargs`. A word is never longer than what was typed for it, so that escapes are undone in the read
//! buffer itself. Source: Redis 7.0 `sds.c`.

use super::{error::RequestError, words::Word};

/// The bytes between words, as C's `isspace` has them.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

/// How the bytes at some place are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// Appends the words of `line`, which starts at byte 0 of the request, to `words`.
///
/// # Errors
/// Quotes are not balanced, or there are more words than `max_words`; the line may have changed.
pub(super) fn split(line: &mut [u8], max_words: usize, words: &mut Vec<Word>) -> Result<(), RequestError> {
    let mut at = 0;
    loop {
        while line.get(at).copied().is_some_and(is_blank) {
            at += 1;
        }
        if at == line.len() {
            return Ok(());
        }
        if words.len() >= max_words {
            return Err(RequestError::LongLine);
        }
        let start = at;
        let end = word(line, &mut at)?;
        words.push(Word::new(start, end - start));
    }
}

/// Reads the word at `at`, which becomes the place behind it, and puts what it means where it started; where that ends.
fn word(line: &mut [u8], at: &mut usize) -> Result<usize, RequestError> {
    let (mut end, mut quotes) = (*at, Quotes::None);
    while let Some((&byte, after)) = line.get(*at..).and_then(<[u8]>::split_first) {
        let (meant, taken) = match (quotes, byte) {
            (Quotes::None, b' ' | b'\t' | b'\n' | b'\r') => return Ok(end),
            (Quotes::None, b'"') => {
                quotes = Quotes::Double;
                (None, 1)
            }
            (Quotes::None, b'\'') => {
                quotes = Quotes::Single;
                (None, 1)
            }
            (Quotes::Double, b'"') | (Quotes::Single, b'\'') => {
                if !after.first().copied().is_none_or(is_blank) {
                    return Err(RequestError::UnbalancedQuotes);
                }
                *at += 1;
                return Ok(end);
            }
            (Quotes::Double, b'\\') => match escaped(after) {
                Some((meant, taken)) => (Some(meant), 1 + taken),
                None => (Some(byte), 1),
            },
            (Quotes::Single, b'\\') if after.first() == Some(&b'\'') => (Some(b'\''), 2),
            _ => (Some(byte), 1),
        };
        if let Some(meant) = meant {
            if let Some(place) = line.get_mut(end) {
                *place = meant;
            }
            end += 1;
        }
        *at += taken;
    }
    if quotes == Quotes::None { Ok(end) } else { Err(RequestError::UnbalancedQuotes) }
}

/// What stands behind a backslash in double quotes: the byte it means, and how many bytes say so.
fn escaped(after: &[u8]) -> Option<(u8, usize)> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if let [b'x', high, low, ..] = after
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        return Some((high << 4 | low, 3));
    }
    let meant = match after.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => *other,
    };
    Some((meant, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line, or why there are none.
    fn words(line: &str) -> Result<Vec<Vec<u8>>, RequestError> {
        let (mut line, mut found) = (line.as_bytes().to_vec(), Vec::new());
        split(&mut line, 10, &mut found)?;
        Ok(found.iter().map(|word| word.of(&line).to_vec()).collect())
    }

    #[test]
    fn quotes_and_escapes() {
        for (line, wanted) in [
            ("", &[][..]),
            (" \t\r\x0b\x0c", &[]),
            ("PING", &["PING"]),
            ("  set  k\tv\r", &["set", "k", "v"]),
            (r#"set k "a b""#, &["set", "k", "a b"]),
            ("set k 'a b'", &["set", "k", "a b"]),
            (r#""" ''"#, &["", ""]),
            (r#"a"b c"'"#, &["!"]),
            (r#"a"b c""#, &["ab c"]),
            (r#"a"b c" d"#, &["ab c", "d"]),
            (r#"'it''s'"#, &["!"]),
            (r#"'it\'s' x"#, &["it's", "x"]),
            (r#"'\n\\x'"#, &[r"\n\\x"]),
            (r#"'\\'"#, &["!"]),
            (r#""\n\r\t\b\a\"\\\q""#, &["\n\r\t\x08\x07\"\\q"]),
            (r#""\x41\x7a\x0A\xg1\x4""#, &["Az\nxg1x4"]),
            (r#"\x41 \n"#, &[r"\x41", r"\n"]),
            (r#""a"b"#, &["!"]),
            (r#"'a"#, &["!"]),
            (r#""a"#, &["!"]),
            (r#""a\"#, &["!"]),
            (r#""a\""#, &["!"]),
            (r#"{"a":1}"#, &["!"]),
            (r#"CALL X.Y '{"a": [1, 2]}'"#, &["CALL", "X.Y", r#"{"a": [1, 2]}"#]),
            ("1 2 3 4 5 6 7 8 9 10", &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]),
        ] {
            let wanted: Vec<_> = wanted.iter().map(|word| word.as_bytes().to_vec()).collect();
            match &wanted[..] {
                [refused] if refused == b"!" => {
                    assert_eq!(words(line), Err(RequestError::UnbalancedQuotes), "{line}");
                }
                _ => assert_eq!(words(line), Ok(wanted), "{line}"),
            }
        }
        assert_eq!(words(r#""\xff""#), Ok(vec![vec![0xFF]]));
        assert_eq!(words("1 2 3 4 5 6 7 8 9 10 11"), Err(RequestError::LongLine));
    }
}
