//! Where replies end.

use super::support::{skip, skip_in_every_way};
use crate::resp::{ReplyClass, ReplyError, ReplyLimits, ReplySkipper};

/// One whole reply of that class, with others around it.
#[test]
fn every_type() {
    use ReplyClass::*;
    for (reply, class) in [
        (&b"+OK\r\n"[..], Value),
        (b"+\r\n", Value),
        (b"-ERR x\r\n", Error),
        (b":-5\r\n", Value),
        (b"$5\r\nhello\r\n", Value),
        (b"$4\r\n\r\n\r\n\r\n", Value),
        (b"$0\r\n\r\n", Value),
        (b"$-1\r\n", Value),
        (b"*-1\r\n", Value),
        (b"*0\r\n", Value),
        (b"*2\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n", Value),
        (b"*1\r\n-ERR within\r\n", Value),
        (b"*1\r\n*1\r\n*1\r\n$-1\r\n", Value),
        (b"_\r\n", Value),
        (b"#t\r\n", Value),
        (b",1.5\r\n", Value),
        (b",-inf\r\n", Value),
        (b"(3492890328409238509324850943850943825024385\r\n", Value),
        (b"!5\r\nERR x\r\n", Error),
        (b"=8\r\ntxt:text\r\n", Value),
        (b"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", Value),
        (b"%0\r\n", Value),
        (b"~2\r\n:1\r\n:2\r\n", Value),
        (b">2\r\n+message\r\n$2\r\nhi\r\n", Push),
        (b"|1\r\n+ttl\r\n:3600\r\n:7\r\n", Value),
        (b"|1\r\n+ttl\r\n:3600\r\n-ERR x\r\n", Error),
        (b"|0\r\n+OK\r\n", Value),
        (b"*2\r\n|1\r\n+k\r\n%1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", Value),
        (b"|1\r\n|1\r\n+a\r\n+b\r\n+k\r\n:1\r\n+OK\r\n", Value),
        (
            b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n\
              $4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
            Value,
        ),
    ] {
        let stream = [b":0\r\n", reply, b"+end\r\n"].concat();
        let wanted = (vec![(Value, 4), (class, reply.len()), (Value, 6)], Ok(0));
        assert_eq!(skip_in_every_way(ReplyLimits::DEFAULT, &stream), wanted);
        for cut in 0..reply.len() {
            assert_eq!(skip(ReplyLimits::DEFAULT, [&reply[..cut]]), (vec![], Ok(cut)), "cut at {cut}");
        }
    }
}

#[test]
fn broken_replies() {
    use ReplyError::*;
    for (bytes, wanted) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], Type { got: b'H' }),
        (b"\r\n", Type { got: b'\r' }),
        (b"\0", Type { got: 0 }),
        (b"*1\r\n>1\r\n:1\r\n", Type { got: b'>' }),
        (b"|1\r\n>1\r\n:1\r\n", Type { got: b'>' }),
        (b";4\r\n", Type { got: b';' }),
        (b".\r\n", Type { got: b'.' }),
        (b"$?\r\n", Streamed),
        (b"*?\r\n", Streamed),
        (b"%?\r\n", Streamed),
        (b"~?\r\n", Streamed),
        (b"$\r\n", Length),
        (b"$-\r\n", Length),
        (b"$-2\r\n", Length),
        (b"$-11\r\n", Length),
        (b"*-0\r\n", Length),
        (b"%-1\r\n", Length),
        (b"=-1\r\n", Length),
        (b"!-1\r\n", Length),
        (b"$+1\r\n", Length),
        (b"$01\r\n", Length),
        (b"$1a\r\n", Length),
        (b"$1 \r\n", Length),
        (b"$1\n", Length),
        (b"$1234567890123456789\r\n", Length),
        (b"$1\rx", LineEnd),
        (b"$1\r\nab\r\n", LineEnd),
        (b"$1\r\na\rb", LineEnd),
        (b"$1\r\na\n", LineEnd),
        (b"+O\nK\r\n", LineEnd),
        (b"+O\rK\r\n", LineEnd),
        (b"+OK\r\r\n", LineEnd),
        (b"$999999999999\r\n", TooBig { limit: 1 << 30 }),
        (b"*999999999999\r\n", TooBig { limit: 1 << 30 }),
        (b"%999999999999999999\r\n", TooBig { limit: 1 << 30 }),
    ] {
        let (all, end) = skip_in_every_way(ReplyLimits::DEFAULT, bytes);
        assert_eq!((all, end), (vec![], Err(wanted)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn limits() {
    let limits = ReplyLimits { max_reply_bytes: 20, max_line_bytes: 8, max_depth: 3 };
    let refused = |bytes: &[u8], error| {
        assert_eq!(skip_in_every_way(limits, bytes), (vec![], Err(error)), "{}", bytes.escape_ascii());
    };
    let passes = |bytes: &[u8]| {
        let wanted = (vec![(ReplyClass::Value, bytes.len())], Ok(0));
        assert_eq!(skip_in_every_way(limits, bytes), wanted, "{}", bytes.escape_ascii());
    };
    let (too_big, long) = (ReplyError::TooBig { limit: 20 }, ReplyError::LongLine { limit: 8 });
    passes(b"+12345678\r\n");
    refused(b"+123456789\r\n", long);
    refused(b"+123456789", long);
    passes(b"$13\r\n1234567890123\r\n");
    // Both by what they announce.
    refused(b"$14\r\n", too_big);
    refused(b"*6\r\n", too_big);
    passes(b"*5\r\n_\r\n_\r\n_\r\n_\r\n_\r\n");
    // And these by what has come.
    refused(b"*3\r\n+12345\r\n+12345\r\n+1\r\n", too_big);
    passes(b"*1\r\n*1\r\n*1\r\n:1\r\n");
    refused(b"*1\r\n*1\r\n*1\r\n*1\r\n", ReplyError::TooDeep { limit: 3 });
    let attribute = b"*1\r\n|1\r\n*1\r\n%1\r\n";
    let deep = skip_in_every_way(ReplyLimits { max_reply_bytes: 100, ..limits }, attribute);
    assert_eq!(deep, (vec![], Err(ReplyError::TooDeep { limit: 3 })));
    // Nothing is within an empty one.
    passes(b"*1\r\n*1\r\n*1\r\n*0\r\n");
}

#[test]
fn deep_and_large_replies_take_next_to_nothing() {
    let deep = b"*1\r\n".repeat(100_000);
    let limits = ReplyLimits::DEFAULT;
    let used = allocation_counter::measure(|| {
        assert_eq!(ReplySkipper::new(limits).skip(&deep), Err(ReplyError::TooDeep { limit: 100 }));
    });
    assert!(used.bytes_max <= 4096, "{used:?}");
    // 1 MiB of nulls a byte at a time, and as many nested pairs.
    let wide = [&b"*349525\r\n"[..], &b"_\r\n".repeat(349_525)].concat();
    let pairs = [&b"*200000\r\n"[..], &b"*1\r\n_\r\n".repeat(200_000)].concat();
    for bytes in [wide, pairs] {
        let used = allocation_counter::measure(|| {
            let mut skipper = ReplySkipper::new(limits);
            let ended = bytes.chunks(1).filter(|byte| skipper.feed(byte).unwrap().ended.is_some()).count();
            assert_eq!(ended, 1);
        });
        assert!(used.bytes_max <= 128, "{used:?}");
    }
}
