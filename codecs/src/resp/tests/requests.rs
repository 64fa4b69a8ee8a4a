//! What Redis does at the edges, and what we do.

use super::support::{Requests, before_login, feed, in_every_way, logged_in};
use crate::{
    DecodeError,
    resp::{RequestDecoder, RequestError, RequestLimits, encode_request, is_reply_type},
    text::{TextArgs, Token},
};
use bytes::BytesMut;

/// Requests, whose words stand between blanks, and the error or the bytes that are left.
fn requests(wanted: &[&str], end: Result<usize, RequestError>) -> Requests {
    let words = |request: &&str| request.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    (wanted.iter().map(words).collect(), end)
}

/// The last words to the peer.
fn told(error: RequestError) -> String {
    let mut out = BytesMut::new();
    error.write(&mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

/// Recorded in front of redis-server 7.0.15; where it waits or closes without a word, what we say.
#[test]
fn edges() {
    let malformed = |text: &'static str| format!("-ERR Protocol error: {text}\r\n");
    for (bytes, wanted, refused) in [
        (&b"\r\n\r\nPING\r\n"[..], &["PING"][..], None),
        (b"PING\n", &["PING"], None),
        (b"  \t\r\n \nPING \r\n", &["PING"], None),
        (b"*0\r\n*1\r\n$4\r\nPING\r\n", &["PING"], None),
        (b"*-1\r\nPING\r\n", &["PING"], None),
        (b"*-2\r\nPING\r\n", &["PING"], None),
        (b"*1\r\n$4\r\nPINGxx", &[], Some("expected CRLF after a bulk")),
        (b"*1\r\n$4\r\nPING\nx", &[], Some("expected CRLF after a bulk")),
        (b"*1\r\n$4\r\nPING\rx", &[], Some("expected CRLF after a bulk")),
        (b"*1\r\n$-1\r\n", &[], Some("invalid bulk length")),
        (b"*1\r\n$600000000\r\n", &[], Some("invalid bulk length")),
        (b"*1000000000\r\n", &[], Some("invalid multibulk length")),
        (b"*3000000000\r\n", &[], Some("invalid multibulk length")),
        (b"*1\r\n+PING\r\n", &[], Some("expected '$', got '+'")),
        (b"*1\r\n\0", &[], Some("expected '$', got '\\x00'")),
        (b"{\"a\":1}\r\n", &[], Some("unbalanced quotes in request")),
        (b"GET / HTTP/1.0\r\n", &["GET / HTTP/1.0"], None),
        // What Redis waits for.
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[], Some("zero byte in inline request")),
        // The types of replies open no request.
        (b"+OK\r\n", &[], Some("expected '*', got '+'")),
        (b"$4\r\nPING\r\n", &[], Some("expected '*', got '$'")),
        // Some requests of one read, of both kinds.
        (
            b"PING\r\n*1\r\n$4\r\nPING\r\nECHO hi\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n",
            &["PING", "PING", "ECHO hi", "ECHO x"],
            None,
        ),
        (b"SET \"a\" 'b'\r\nSET c d\r\n", &["SET a b", "SET c d"], None),
        (b"PING\r\n\"PING\r\n", &["PING"], Some("unbalanced quotes in request")),
    ] {
        let (words, end) = in_every_way(logged_in, bytes);
        assert_eq!(
            (&words, end.map_err(told)),
            (&requests(wanted, Ok(0)).0, refused.map_or(Ok(0), |text| Err(malformed(text)))),
            "{}",
            bytes.escape_ascii()
        );
        // A peer that has not logged in may do the same.
        assert_eq!(in_every_way(before_login, bytes).0, words);
    }
}

#[test]
fn http_is_closed_without_a_word() {
    for (bytes, wanted) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &["GET / HTTP/1.1"][..]),
        (b"POST /x HTTP/1.1\r\n", &[]),
        (b"post x\n", &[]),
        (b"*1\r\n$4\r\nPING\r\nhOsT: a\r\n", &["PING"]),
    ] {
        assert_eq!(in_every_way(logged_in, bytes), requests(wanted, Err(RequestError::Http)));
    }
    assert_eq!(told(RequestError::Http), "");
    // As words of an array they are names like any others: no browser sends those.
    assert_eq!(in_every_way(logged_in, b"*1\r\n$4\r\nPOST\r\n"), requests(&["POST"], Ok(0)));
}

/// What other parsers wait for, recurse into, or reserve memory for.
#[test]
fn hostile_inputs() {
    use RequestError::*;
    let line_of_a = [b"a".repeat(1 << 20), b"\r\n".to_vec()].concat();
    for (bytes, wanted, name) in [
        (b"*1000000000\r\n".to_vec(), MultibulkLength, "a huge number of words"),
        (b"*1\r\n$99999999999999\r\n".to_vec(), BulkLength, "a huge word"),
        (b"$99999999999999\r\n".to_vec(), NotARequest { got: b'$' }, "a huge bulk"),
        (b"*9999\r\n".repeat(1000), NotABulk { got: b'*' }, "many large arrays"),
        (b"*1\r\n".repeat(10_000), NotABulk { got: b'*' }, "deep arrays"),
        (b"*1\r\n".repeat(100_000), NotABulk { got: b'*' }, "deeper arrays"),
        (b"*1\r\n$4\r\nPINGxx".to_vec(), BulkEnd, "no CRLF after a bulk"),
        (b"*+1\r\n".to_vec(), MultibulkLength, "a plus"),
        (b"*1\r\n$+3\r\n".to_vec(), BulkLength, "a plus"),
        (b"*01\r\n".to_vec(), MultibulkLength, "a zero in front"),
        (b"*1\r\n$03\r\n".to_vec(), BulkLength, "a zero in front"),
        (b"*\r\n".to_vec(), MultibulkLength, "no number"),
        (b"*1\r\n$\r\n".to_vec(), BulkLength, "no number"),
        (b"*1\r\n$-0\r\n".to_vec(), BulkLength, "minus nothing"),
        (b"*1\r\n$1a\r\n".to_vec(), BulkLength, "letters"),
        (b"*?\r\n".to_vec(), MultibulkLength, "a stream"),
        (b"*1\r\r\n".to_vec(), MultibulkLength, "two CRs"),
        (b"*1\r\n$1\rx".to_vec(), BulkLength, "CR alone"),
        ([b"*".to_vec(), b"1".repeat(1 << 20)].concat(), LongMultibulkLength, "no CRLF in 1 MiB"),
        ([b"*1\r\n$".to_vec(), b"1".repeat(1 << 20)].concat(), LongBulkLength, "no CRLF in 1 MiB"),
        (line_of_a, LongLine, "a line of 1 MiB"),
    ] {
        let used = allocation_counter::measure(|| {
            let mut decoder = logged_in();
            assert_eq!(decoder.parse(&mut bytes.clone()), Err(wanted), "{name}");
            assert!(decoder.held_bytes() <= 64, "{name}");
        });
        assert!(used.bytes_max <= bytes.len() as u64 + 64, "{name}: {used:?}");
        let cut = &bytes[..bytes.len().min(2000)];
        match wanted {
            LongLine => assert_eq!(in_every_way(logged_in, cut), requests(&[], Ok(2000))),
            _ => assert_eq!(in_every_way(logged_in, cut), requests(&[], Err(wanted)), "{name}"),
        }
    }
}

/// How far the peer has to go until it is refused.
#[test]
fn the_line_of_a_length_is_refused_behind_32_bytes() {
    for (start, wanted) in
        [("*", RequestError::LongMultibulkLength), ("*1\r\n$", RequestError::LongBulkLength)]
    {
        let line = [start.as_bytes(), &b"1".repeat(31)].concat();
        let (last, all_but_one) = (&line[..], &line[..line.len() - 1]);
        assert_eq!(logged_in().parse(&mut all_but_one.to_vec()), Ok(None));
        assert_eq!(logged_in().parse(&mut last.to_vec()), Err(wanted));
    }
}

#[test]
fn limits() {
    use RequestError::*;
    let array = |count: usize| format!("*{count}\r\n").into_bytes();
    let bulk = |len: usize| format!("*1\r\n${len}\r\n").into_bytes();
    let waits = |bytes: &[u8], decoder: fn() -> RequestDecoder| {
        assert_eq!(in_every_way(decoder, bytes), requests(&[], Ok(bytes.len())), "{}", bytes.escape_ascii());
    };
    let refuses = |bytes: &[u8], decoder: fn() -> RequestDecoder, error| {
        assert_eq!(in_every_way(decoder, bytes), requests(&[], Err(error)), "{}", bytes.escape_ascii());
    };
    waits(&array(10), before_login);
    refuses(&array(11), before_login, UnauthenticatedMultibulkLength);
    refuses(&array((1 << 20) + 1), before_login, MultibulkLength);
    waits(&array(1 << 20), logged_in);
    refuses(&array((1 << 20) + 1), logged_in, MultibulkLength);

    waits(&bulk(16 << 10), before_login);
    refuses(&bulk((16 << 10) + 1), before_login, UnauthenticatedBulkLength);
    refuses(&bulk((64 << 20) + 1), before_login, BulkLength);
    waits(&bulk((64 << 20) - 100), logged_in);
    refuses(&bulk((64 << 20) + 1), logged_in, BulkLength);
    // With what stands around it it would be longer than any request may be.
    let limit = RequestLimits::DEFAULT.max_request_bytes;
    refuses(&bulk(64 << 20), logged_in, TooBig { len: limit + 17, limit });

    // Ten words of 16 KiB and their lengths do not fit, and the tenth says so before it comes.
    let word = [&b"$16384\r\n"[..], &[b'x'; 16 << 10], b"\r\n"].concat();
    let nine = [&b"*10\r\n"[..], &word.repeat(9)].concat();
    assert_eq!(feed(before_login(), [&nine[..]]), requests(&[], Ok(nine.len())));
    let limit = RequestLimits::BEFORE_LOGIN.max_request_bytes;
    let len = 5 + 10 * word.len();
    let ten = [&nine[..], b"$16384\r\n"].concat();
    assert_eq!(feed(before_login(), [&ten[..]]), requests(&[], Err(TooBig { len, limit })));
    assert_eq!(feed(before_login(), ten.chunks(1)), requests(&[], Err(TooBig { len, limit })));

    for (decoder, max) in [(before_login as fn() -> RequestDecoder, 16 << 10), (logged_in, 64 << 10)] {
        let line = |len: usize| [&b"a".repeat(len)[..], b"\n"].concat();
        assert_eq!(feed(decoder(), [&line(max)[..]]).1, Ok(0));
        for pieces in [line(max + 1).chunks(max + 2), line(max + 1).chunks(1), line(max + 1).chunks(max)] {
            assert_eq!(feed(decoder(), pieces), requests(&[], Err(LongLine)));
        }
    }
    let words = |count: usize| [&b"a ".repeat(count)[..], b"\n"].concat();
    assert_eq!(feed(before_login(), [&words(10)[..]]).1, Ok(0));
    assert_eq!(feed(before_login(), [&words(11)[..]]).1, Err(LongLine));
    assert_eq!(feed(logged_in(), [&words(11)[..]]).1, Ok(0));
}

#[test]
fn limits_change_between_requests_and_within_one() {
    let mut decoder = before_login();
    let mut buf = BytesMut::from("*1\r\n$4\r\nPING\r\n*1\r\n$20000\r\n");
    assert!(decoder.decode(&mut buf).unwrap().is_some());
    decoder.restrict(None);
    assert_eq!(decoder.decode(&mut buf), Ok(None));
    decoder.set_limits(RequestLimits { max_word_bytes: 3, max_line_bytes: 5, ..RequestLimits::DEFAULT });
    buf.extend_from_slice(&[b'x'; 20_000]);
    buf.extend_from_slice(b"\r\nPING\r\nabcdef");
    // What was announced under other limits comes in whole.
    assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().len(), 4 + 8 + 20_000 + 2);
    assert!(decoder.decode(&mut buf).unwrap().is_some());
    assert_eq!(decoder.decode(&mut buf), Err(RequestError::LongLine));
    assert_eq!(RequestLimits::DEFAULT.up_to(64 << 20), RequestLimits::DEFAULT);
    // A limit of nothing, and of all there is.
    for limit in [0, usize::MAX] {
        let all = RequestLimits {
            max_words: limit,
            max_word_bytes: limit,
            max_line_bytes: limit,
            max_request_bytes: limit,
        };
        let read = |bytes: &[u8]| RequestDecoder::new(all).parse(&mut bytes.to_vec());
        assert_eq!(read(b"*1\r\n$1\r\nx\r\n").is_ok(), limit > 0);
        assert_eq!(read(b"x\n").is_ok(), limit > 0);
        assert_eq!(read(b"*999999999999999999\r\n"), Err(RequestError::MultibulkLength));
        assert!(read(b"*1\r\n$999999999999999999\r\n").is_err());
        assert!(read(b"*1\r\n$-1\r\n").is_err());
        assert!(read(b"x").is_ok() == (limit > 0));
    }
}

#[test]
fn inline_commands_can_be_refused() {
    fn arrays_only() -> RequestDecoder {
        let mut decoder = logged_in();
        decoder.set_inline(false);
        decoder
    }
    let refused = |got| Err(RequestError::NotARequest { got });
    for (bytes, wanted, end) in [
        (&b"\r\n\n*1\r\n$4\r\nPING\r\n"[..], &["PING"][..], Ok(0)),
        (b"*1\r\n$4\r\nPING\r\nPING\r\n", &["PING"], refused(b'P')),
        (b" *1\r\n", &[], refused(b' ')),
        (b"GET ", &[], refused(b'G')),
        (b"\rPING\n", &[], refused(b'P')),
        (b"\r\"\"\n", &[], refused(b'"')),
    ] {
        assert_eq!(in_every_way(arrays_only, bytes), requests(wanted, end), "{}", bytes.escape_ascii());
    }
}

#[test]
fn no_byte_of_a_large_word_is_looked_at_twice() {
    // One byte at a time: were it looked at from its start each time, this would take minutes.
    let word = vec![b'\n'; 4 << 20];
    let mut bytes = BytesMut::new();
    encode_request([&b"SET"[..], &word], &mut bytes);
    let (all, end) = feed(logged_in(), bytes.chunks(1));
    assert_eq!((all[0][1].len(), end), (word.len(), Ok(0)));
    let line = [&b"x ".repeat(32 << 10)[..], b"\n"].concat();
    let (all, end) = feed(logged_in(), line.chunks(1));
    assert_eq!((all[0].len(), end), (32 << 10, Ok(0)));
}

#[test]
fn words_are_any_bytes() {
    let every: Vec<u8> = (0..=255).collect();
    let words = [&b""[..], b"a\r\nb", b"\0", &every, b"*1\r\n$4\r\nPING\r\n"];
    let mut bytes = BytesMut::new();
    encode_request(words, &mut bytes);
    let (all, end) = in_every_way(logged_in, &bytes);
    assert_eq!((&all[0][..], end), (&words.map(<[u8]>::to_vec)[..], Ok(0)));
}

#[test]
fn words_become_tokens() {
    for count in [1, 2, 16, 17, 18, 1000] {
        let words: Vec<String> = (0..count).map(|word| word.to_string()).collect();
        let mut bytes = BytesMut::new();
        encode_request(&words, &mut bytes);
        let mut decoder = logged_in();
        let request = decoder.decode(&mut bytes).unwrap().unwrap();
        let found = decoder.words(&request);
        assert_eq!((found.len(), found.name(), found.get(count)), (count, &b"0"[..], None));
        assert!(found.is(0, "0") && !found.is(0, "1") && !found.is(count, ""));
        found.skip(1).with_tokens(|tokens| {
            let wanted: Vec<_> = words[1..].iter().map(Token::plain).collect();
            assert_eq!(tokens, wanted);
            if count > 2 {
                let sum: Vec<u64> = TextArgs::Positional(tokens).decode(None).unwrap();
                assert_eq!(sum.len(), count - 1);
            }
        });
        assert!(found.skip(count).is_empty() && found.skip(count + 1).is_empty());
    }
}

#[test]
fn places_of_many_words_are_not_kept() {
    let mut bytes = BytesMut::new();
    encode_request(vec!["x"; 100_000], &mut bytes);
    encode_request(["PING"], &mut bytes);
    let mut decoder = logged_in();
    decoder.decode(&mut bytes).unwrap().unwrap();
    assert!(decoder.held_bytes() >= 800_000);
    decoder.decode(&mut bytes).unwrap().unwrap();
    assert!(decoder.held_bytes() <= 8 << 10);
}

#[test]
fn errors_in_the_words_of_all_formats() {
    use RequestError::*;
    for (error, wanted) in [
        (NotABulk { got: b'x' }, DecodeError::Malformed { at: 0, what: "expected '$'" }),
        (NotARequest { got: b'$' }, DecodeError::Malformed { at: 0, what: "expected '*'" }),
        (TooBig { len: 7, limit: 5 }, DecodeError::TooBig { len: 7, limit: 5 }),
    ] {
        assert_eq!(DecodeError::from(error), wanted);
    }
    for error in [
        MultibulkLength,
        UnauthenticatedMultibulkLength,
        BulkLength,
        UnauthenticatedBulkLength,
        LongMultibulkLength,
        LongBulkLength,
        BulkEnd,
        LongLine,
        UnbalancedQuotes,
        ZeroByte,
        Http,
    ] {
        let DecodeError::Malformed { at: 0, what } = error.into() else { panic!("{error}") };
        assert_eq!(what, error.to_string());
    }
}

#[test]
fn types_of_replies() {
    let types: Vec<u8> = (0..=255).filter(|byte| is_reply_type(*byte)).collect();
    assert_eq!(types, b"!#$%(+,-:=>_|~");
}
