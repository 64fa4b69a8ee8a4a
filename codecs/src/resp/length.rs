//! Numbers of words and lengths of words: the lines `*3` and `$5`, as strict as Redis's `string2ll`.

/// The longest line of a length, its type and its CR included.
const MAX_LINE: usize = 32;
/// More digits than any length has; as many are a number of 64 bits.
const MAX_DIGITS: usize = 18;

/// Why a line is no length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthError {
    /// It is no number, or does not end in CRLF.
    Invalid,
    /// It does not end within [`MAX_LINE`] bytes.
    TooLong,
}

/// The number at the front of `bytes`, if it is as most are: of one or two digits, and all of its line there; and what
/// follows.
#[inline]
pub(super) fn short(kind: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let digit = |byte: u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9).map(usize::from);
    let (line, rest) = bytes.split_first_chunk::<4>()?;
    // At once, as this is where the time goes.
    let [_, first, ..] = *line;
    if u32::from_le_bytes(*line) & 0xFFFF_00FF == u32::from_le_bytes([kind, 0, b'\r', b'\n']) {
        return Some((digit(first)?, rest));
    }
    match (line, rest) {
        ([start, tens @ b'1'..=b'9', ones, b'\r'], [b'\n', rest @ ..]) if *start == kind => {
            Some((digit(*tens)? * 10 + digit(*ones)?, rest))
        }
        _ => None,
    }
}

/// The number at the front of `bytes`, behind the byte of its type, and what follows its line; nothing while the line
/// is not complete.
pub(super) fn length(bytes: &[u8]) -> Result<Option<(i64, &[u8])>, LengthError> {
    let mut rest = bytes.get(1..).unwrap_or_default();
    let (mut value, mut digits) = (0, 0);
    let is_usual = matches!(rest, [b'1'..=b'9', ..]);
    while let [byte @ b'0'..=b'9', after @ ..] = rest
        && digits < MAX_DIGITS
    {
        value = value * 10 + i64::from(byte - b'0');
        digits += 1;
        rest = after;
    }
    if is_usual && let [b'\r', b'\n', after @ ..] = rest {
        return Ok(Some((value, after)));
    }
    any_length(bytes)
}

/// The same, of lines that are not the usual.
#[cold]
fn any_length(bytes: &[u8]) -> Result<Option<(i64, &[u8])>, LengthError> {
    let line = bytes.get(..MAX_LINE).unwrap_or(bytes);
    let Some(end) = line.iter().position(|byte| *byte == b'\r') else {
        return if line.len() == MAX_LINE { Err(LengthError::TooLong) } else { Ok(None) };
    };
    let number = line.get(1..end).and_then(strict).ok_or(LengthError::Invalid)?;
    match bytes.get(end..) {
        Some([b'\r', b'\n', rest @ ..]) => Ok(Some((number, rest))),
        Some([b'\r']) => Ok(None),
        _ => Err(LengthError::Invalid),
    }
}

/// A number without `+` and leading zeros.
fn strict(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let value = match digits {
        b"0" if digits.len() == text.len() => 0,
        [b'1'..=b'9', ..] if digits.len() <= MAX_DIGITS => digits
            .iter()
            .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?,
        _ => return None,
    };
    Some(if digits.len() == text.len() { value } else { -value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_numbers() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("10", Some(10)),
            ("99", Some(99)),
            ("-1", Some(-1)),
            ("1048576", Some(1_048_576)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("-999999999999999999", Some(-999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            ("00", None),
            ("-01", None),
            ("1 ", None),
            (" 1", None),
            ("1a", None),
            ("0x1", None),
            ("1.0", None),
            ("--1", None),
            ("?", None),
        ] {
            assert_eq!(strict(text.as_bytes()), wanted, "{text:?}");
            let line = format!("${text}\r\nrest");
            let read = length(line.as_bytes());
            if let Some((number, rest)) = short(b'$', line.as_bytes()) {
                assert_eq!((Some(number as i64), rest), (wanted, &b"rest"[..]), "{text:?}");
                assert!(text.len() <= 2);
            } else {
                assert!(text.len() > 2 || wanted.is_none_or(|number| number < 0), "{text:?}");
            }
            assert_eq!(read, wanted.map(|n| Some((n, &b"rest"[..]))).ok_or(LengthError::Invalid), "{text:?}");
        }
    }

    #[test]
    fn lines_end_within_32_bytes_in_crlf() {
        for (line, wanted) in [
            (&b"*"[..], Ok(None)),
            (b"*1", Ok(None)),
            (b"*1\r", Ok(None)),
            (b"*1\rx", Err(LengthError::Invalid)),
            (b"*1\n", Ok(None)),
            (b"*1111111111111111111111111111111", Err(LengthError::TooLong)),
            (b"*111111111111111111111111111111", Ok(None)),
            (b"*111111111111111111111111111111\r", Err(LengthError::Invalid)),
            (b"*1111111111111111111111111111111\r\n", Err(LengthError::TooLong)),
        ] {
            assert_eq!(length(line).map(|read| read.map(|(n, _)| n)), wanted, "{}", line.escape_ascii());
        }
    }
}
