//! Bytes of a fixed number as hexadecimal digits, for the entries of a credentials file.

use std::fmt::Write;

/// The bytes of exactly `2 * N` digits of either case.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(bytes)
}

/// Lower-case digits.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_either_case_and_of_one_number() {
        assert_eq!(decode("00fFA9"), Some([0, 255, 0xA9]));
        assert_eq!(encode(&[0, 255, 0xA9]), "00ffa9");
        for bad in ["", "00ff", "00ffa", "00ffa90", "00ffag", "00ff\u{e9}a", "+0ffa9"] {
            assert_eq!(decode::<3>(bad), None, "{bad}");
        }
    }
}
