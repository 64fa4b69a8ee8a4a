//! Headers onto the end of a buffer: the type of a value and its number.

use bytes::BytesMut;

/// `*3\r\n`, `$5\r\n`: a type with a length or a count.
#[inline]
pub(super) fn header(kind: u8, number: usize, out: &mut BytesMut) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => out.extend_from_slice(&[kind, b'0' + digit, b'\r', b'\n']),
        _ => line(kind, itoa::Buffer::new().format(number).as_bytes(), out),
    }
}

/// `+OK\r\n`, `:-5\r\n`: a type with a text that has no end of a line in it.
#[inline]
pub(super) fn line(kind: u8, text: &[u8], out: &mut BytesMut) {
    out.reserve(text.len() + 3);
    out.extend_from_slice(&[kind]);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// As [`line`], of any text: blanks stand where it has CR or LF.
pub(super) fn clean_line(kind: u8, text: &str, out: &mut BytesMut) {
    let start = out.len();
    line(kind, text.as_bytes(), out);
    let end = out.len() - 2;
    for byte in out.get_mut(start..end).unwrap_or_default() {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
}
