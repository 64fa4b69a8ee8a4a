//! Gob by hand: types and values that no client would write.

/// The ids of what gob knows by itself.
pub(super) const INT: i64 = 2;
pub(super) const UINT: i64 = 3;
pub(super) const BYTES: i64 = 5;
pub(super) const STRING: i64 = 6;
/// The id of a header's type, the first that a client defines; those of a test's own come behind it.
const REQUEST: i64 = 64;

pub(super) fn uint(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let significant = &bytes[(value.leading_zeros() / 8).min(7) as usize..];
    match value {
        0..=0x7F => vec![value as u8],
        _ => [&[(significant.len() as u8).wrapping_neg()], significant].concat(),
    }
}

fn int(value: i64) -> Vec<u8> {
    uint(if value < 0 { !(value as u64) << 1 | 1 } else { (value as u64) << 1 })
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [uint(text.len() as u64), text.into()].concat()
}

pub(super) fn slice(element: i64) -> Vec<u8> {
    [b"\x02\x01\x00\x01", &int(element)[..], b"\0\0"].concat()
}

pub(super) fn map(key: i64, element: i64) -> Vec<u8> {
    [b"\x04\x01\x00\x01", &int(key)[..], b"\x01", &int(element), b"\0\0"].concat()
}

pub(super) fn structure(name: &str, fields: &[(&str, i64)]) -> Vec<u8> {
    let mut out = [b"\x03\x01\x01", &text(name)[..], b"\0\x01", &uint(fields.len() as u64)].concat();
    for (field, id) in fields {
        out.extend([b"\x01", &text(field)[..], b"\x01", &int(*id), b"\0"].concat());
    }
    [&out[..], b"\0\0"].concat()
}

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [uint(content.len() as u64), content].concat()
}

/// The header of a call, and what it takes to understand it.
pub(super) fn header(method: &str) -> Vec<u8> {
    let fields = structure("Request", &[("ServiceMethod", STRING), ("Seq", UINT)]);
    [message(&[&int(-REQUEST), &fields]), message(&[&int(REQUEST), b"\x01", &text(method), b"\x01\x07\0"])]
        .concat()
}

/// A call whose arguments are the first of these types, which are numbered from 65 on.
pub(super) fn call(method: &str, types: &[Vec<u8>], value: &[u8]) -> Vec<u8> {
    let mut out = header(method);
    for (id, definition) in (65..).zip(types) {
        out.extend(message(&[&int(-id), definition]));
    }
    [out, message(&[&int(65), value])].concat()
}

/// One more call like [`call`] on its connection.
pub(super) fn again(method: &str, value: &[u8]) -> Vec<u8> {
    let header = message(&[&int(REQUEST), b"\x01", &text(method), b"\x01\x08\0"]);
    [header, message(&[&int(65), value])].concat()
}

/// A call whose arguments are of a type that needs no definition.
pub(super) fn call_with(method: &str, id: i64, value: &[u8]) -> Vec<u8> {
    [header(method), message(&[&int(id), b"\0", value])].concat()
}
