//! Whole numbers beyond 64 bits in an argument: no codec has them, and a float in their place would be another number.

/// The first of them in a text that is JSON.
pub(super) fn too_large(json: &str) -> Option<&str> {
    let mut rest = json;
    loop {
        let start = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
        rest = &rest[start..];
        let end = if rest.starts_with('"') {
            text_end(rest)
        } else {
            let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let number = &rest[..end];
            let is_whole = !number.contains(['.', 'e', 'E']);
            if is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                return Some(number);
            }
            end
        };
        rest = &rest[end..];
    }
}

/// Where the text ends that `json` begins with.
fn text_end(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_codec_has() {
        for (json, number) in [
            ("18446744073709551615", None),
            ("18446744073709551616", Some("18446744073709551616")),
            ("-9223372036854775808", None),
            ("-9223372036854775809", Some("-9223372036854775809")),
            ("-0", None),
            ("1e30", None),
            ("18446744073709551616.0", None),
            (r#"{"99999999999999999999":[1,"\"99999999999999999999"]}"#, None),
            (r#"{"a":["\\",99999999999999999999]}"#, Some("99999999999999999999")),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(too_large(json), number, "{json}");
        }
    }
}
