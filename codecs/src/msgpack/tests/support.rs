//! Bytes by hand.

/// A string of up to 31 bytes.
pub(super) fn text(text: &str) -> Vec<u8> {
    [&[0xA0 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// A map of up to 15 pairs.
pub(super) fn map(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let pairs_bytes = pairs.iter().map(|(key, value)| [&text(key)[..], value].concat());
    [vec![0x80 | u8::try_from(pairs.len()).unwrap()], pairs_bytes.collect::<Vec<_>>().concat()].concat()
}

/// A request's header as Go's codec writes it, names in the order of the alphabet; `seq` under 128.
pub(super) fn header(service_method: &str, seq: u8) -> Vec<u8> {
    map(&[("Seq", &[seq]), ("ServiceMethod", &text(service_method))])
}
