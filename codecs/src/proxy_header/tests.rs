//! Headers of HAProxy and of the specification, whole and in pieces, and what is none.

use super::*;
use proptest::prelude::*;

/// What comes behind a header in these tests.
const BEHIND: &[u8] = b"CONNECT /_json_rpc_ HTTP/1.0\n\n";

fn client(addr: &str) -> Source {
    Source::Client(addr.parse().unwrap())
}

/// A version 2 header of these parts.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2_START, &[command, family], &len, rest].concat()
}

/// The address block of `192.0.2.1:4711` to `127.0.0.1:7070`.
const V4: &[u8] = b"\xc0\0\x02\x01\x7f\0\0\x01\x12\x67\x1b\x9e";

fn v6() -> Vec<u8> {
    let mut block = [0; 36];
    block[..16].copy_from_slice(b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07");
    block[31] = 1;
    block[32..].copy_from_slice(b"\x12\x67\x1b\x9e");
    block.into()
}

/// The same header with a checksum's extension at its end.
fn with_checksum(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = v2(command, family, &[rest, b"\x03\0\x04\0\0\0\0"].concat());
    let at = header.len() - 7;
    let sum = checksum(&header, at).to_be_bytes();
    header[at + 3..].copy_from_slice(&sum);
    header
}

fn headers() -> Vec<(Vec<u8>, Source)> {
    let v6 = v6();
    let extensions = [V4, b"\x02\0\x07rpc.ltd\x04\0\0\xea\0\x03xyz"].concat();
    let longest = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert_eq!(longest.len(), 104);
    vec![
        // HAProxy 2.6: `check send-proxy` and `check send-proxy-v2`.
        (b"PROXY TCP4 127.0.0.1 127.0.0.1 36390 17011\r\n".into(), client("127.0.0.1:36390")),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".into(), Source::Local),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 7070\r\n".into(), client("[2001:db8::7]:4711")),
        (longest.into(), client("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535")),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n".into(), client("1.2.3.4:0")),
        (b"PROXY UNKNOWN\r\n".into(), Source::Unknown),
        (b"PROXY UNKNOWN ffff::1 what ever 1\r\n".into(), Source::Unknown),
        (v2(PROXY, 0x11, V4), client("192.0.2.1:4711")),
        (v2(PROXY, 0x21, &v6), client("[2001:db8::7]:4711")),
        (v2(PROXY, 0x11, &extensions), client("192.0.2.1:4711")),
        (with_checksum(PROXY, 0x11, V4), client("192.0.2.1:4711")),
        (with_checksum(PROXY, 0x21, &[&v6[..], b"\x04\0\x02\0\0"].concat()), client("[2001:db8::7]:4711")),
        (v2(PROXY, 0x00, b""), Source::Unknown),
        // UDP and unix sockets: nothing for a TCP server.
        (v2(PROXY, 0x12, V4), Source::Unknown),
        (v2(PROXY, 0x31, &[b'/'; 216]), Source::Unknown),
        // With LOCAL everything else is to be ignored.
        (v2(LOCAL, 0x11, V4), Source::Local),
        (v2(LOCAL, 0xff, b"\x03\xff\xff"), Source::Local),
        (v2(PROXY, 0x11, &[V4, b"\xea\x1f\xe1", &[7; 0x1fe1]].concat()), client("192.0.2.1:4711")),
    ]
}

#[test]
fn headers_whole_split_at_every_byte_and_byte_by_byte() {
    for (header, source) in headers() {
        let bytes = [&header, BEHIND].concat();
        let shown = header[..header.len().min(60)].escape_ascii().to_string();
        assert_eq!(is_header(&bytes), Some(true), "{shown}");
        let mut buf = BytesMut::from(&bytes[..]);
        assert_eq!(decode(&mut buf), Ok(Some(source)), "{shown}");
        assert_eq!(buf, BEHIND, "{shown}");
        // A decoder without state: what came before the last byte is all that counts.
        for len in 0..header.len() {
            assert_ne!(is_header(&header[..len]), Some(false), "{shown}: {len} bytes");
            let mut buf = BytesMut::from(&header[..len]);
            assert_eq!(decode(&mut buf), Ok(None), "{shown}: {len} bytes");
            assert_eq!(buf, header[..len], "{shown}: {len} bytes");
        }
    }
}

#[test]
fn other_openings_are_told_apart_as_early_as_can_be() {
    for (opening, decided) in [
        (&b"CONNECT /_json_rpc_ HTTP/1.0\n\n"[..], 1),
        (b"GET / HTTP/1.1\r\n", 1),
        (b"POST / HTTP/1.1\r\n", 2),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 3),
        (b"PRPC\0\0\0\x10", 3),
        (b"PROXIED / HTTP/1.1\r\n", 5),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", 5),
        (b"\x16\x03\x01\x02\0", 1),
        (b"{\"method\":", 1),
    ] {
        for len in 0..=opening.len() {
            let wanted = (len >= decided).then_some(false);
            assert_eq!(is_header(&opening[..len]), wanted, "{}: {len} bytes", opening.escape_ascii());
        }
    }
}

#[test]
fn what_is_no_header() {
    let mut wrong_sum = with_checksum(PROXY, 0x11, V4);
    *wrong_sum.last_mut().unwrap() ^= 1;
    for bytes in [
        &b"PROXY \r\n"[..],
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8  2\r\n",
        b"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
        b"PROXY TCP4 ::1 ::2 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN a\rb\r\n",
        &v2(0x22, 0x11, V4),
        &v2(0x11, 0x11, V4),
        &v2(0x31, 0x11, V4),
        // Less than the addresses of its family.
        &v2(PROXY, 0x11, &V4[..11]),
        &v2(PROXY, 0x21, &[0; 35]),
        &v2(PROXY, 0x31, &[0; 215]),
        &v2(PROXY, 0x41, &[0; 300]),
        &v2(PROXY, 0x13, V4),
        // Extensions beyond the end.
        &v2(PROXY, 0x11, &[V4, b"\x04"].concat()),
        &v2(PROXY, 0x11, &[V4, b"\x04\0"].concat()),
        &v2(PROXY, 0x11, &[V4, b"\x04\0\x02\0"].concat()),
        &v2(PROXY, 0x11, &[V4, b"\x03\0\x02\0\0"].concat()),
        &wrong_sum,
    ] {
        let mut buf = BytesMut::from(bytes);
        let refused = decode(&mut buf);
        assert!(
            matches!(refused, Err(DecodeError::Malformed { .. })),
            "{}: {refused:?}",
            bytes.escape_ascii()
        );
        assert_eq!(buf, bytes);
    }
}

#[test]
fn long_ones_are_refused_when_their_length_is_known() {
    let too_big = |bytes: &[u8], len, limit| {
        assert_eq!(decode(&mut BytesMut::from(bytes)), Err(DecodeError::TooBig { len, limit }));
    };
    let mut line = [&b"PROXY UNKNOWN "[..], &[b'x'; 93]].concat();
    assert_eq!(decode(&mut BytesMut::from(&line[..106])), Ok(None));
    too_big(&line, 107, V1_MAX_BYTES);
    line[105..].copy_from_slice(b"\r\n");
    assert_eq!(decode(&mut BytesMut::from(&line[..])), Ok(Some(Source::Unknown)));
    // The end of the line in sight, but too late.
    line.splice(105..105, *b"xxx");
    too_big(&line, 110, V1_MAX_BYTES);
    for command in [LOCAL, PROXY] {
        let announced = |len: u16| [V2_START, &[command, 0x11], &len.to_be_bytes()].concat();
        too_big(&announced(u16::MAX), 65_551, V2_MAX_BYTES);
        too_big(&announced(8177), 8193, V2_MAX_BYTES);
        assert_eq!(decode(&mut BytesMut::from(&announced(8176)[..])), Ok(None));
    }
}

#[test]
fn the_checksum_is_the_one_of_the_rfc() {
    // RFC 3720, B.4: 32 bytes of zeros, for which the checksum's own are taken.
    let mut header = [0; 32];
    header[13..17].fill(0xff);
    assert_eq!(checksum(&header, 10), 0x8A91_36AA);
}

proptest! {
    #[test]
    fn any_bytes_behind_a_signature_are_safe(v2: bool, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [if v2 { V2_START } else { V1_START }, &rest].concat();
        let mut buf = BytesMut::from(&bytes[..]);
        let decoded = decode(&mut buf);
        if !matches!(decoded, Ok(Some(_))) {
            prop_assert_eq!(&buf[..], &bytes[..]);
        }
    }

    #[test]
    fn a_flipped_bit_is_found_by_the_checksum(at in 12_usize..35, bit in 0..8) {
        let mut header = with_checksum(PROXY, 0x11, V4);
        header[at] ^= 1_u8 << bit;
        // A longer length waits for more; LOCAL, or another kind of extension, has no checksum.
        let decoded = decode(&mut BytesMut::from(&header[..]));
        let excused = header[12] == LOCAL || header[28] != CRC32C || matches!(decoded, Ok(None));
        prop_assert!(excused || decoded.is_err(), "{}", header.escape_ascii());
    }
}
