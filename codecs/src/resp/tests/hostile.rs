//! A million mutations of what clients and Redis send: no panic, no word outside the request, no more memory than
//! arrived, and the same in any pieces.

use super::{
    recorded::exchanges,
    support::{Random, before_login, feed, logged_in, mutate, skip},
};
use crate::{
    resp::{ReplyLimits, RequestDecoder},
    text::TextArgs,
};

/// Reads all requests of `bytes`, and what a protocol would ask of each.
fn read(mut decoder: RequestDecoder, bytes: &mut [u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Ok(Some(len)) = decoder.parse(&mut bytes[at..]) {
        let request = &bytes[at..at + len];
        let words = decoder.words(request);
        assert!(len > 0 && words.iter().map(<[u8]>::len).sum::<usize>() <= len);
        count += usize::from(words.is(0, "PING") || words.len() > 1);
        if count % 16 == 1 {
            words.skip(1).with_tokens(|tokens| {
                assert_eq!(tokens.len(), words.len().saturating_sub(1));
                drop(TextArgs::Positional(tokens).decode::<(String, i64)>(None));
            });
        }
        at += len;
    }
    count
}

#[test]
fn a_million_mutated_commands() {
    let mut seeds: Vec<Vec<u8>> = exchanges().into_iter().map(|exchange| exchange.requests).collect();
    seeds.retain(|bytes| bytes.len() < 2000);
    seeds.push(b"set \"a b\" 'c\\'d'\r\nPING\n*1\r\n$4\r\nPING\r\n\"\\x41\\n\"\r\n".to_vec());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut count = 0;
    for round in 0..1_000_000 {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut random, &mut bytes);
        let decoder = if round % 2 == 0 { before_login() } else { logged_in() };
        match round % 64 {
            0 => {
                let at = random.below(bytes.len() + 1);
                let (a, b) = bytes.split_at(at);
                assert_eq!(
                    feed(logged_in(), [a, b]),
                    feed(logged_in(), [&bytes[..]]),
                    "{}",
                    bytes.escape_ascii()
                );
            }
            1 => {
                let most = 16 * bytes.len() as u64 + 512;
                let used = allocation_counter::measure(|| count += read(decoder, &mut bytes));
                assert!(used.bytes_max <= most, "{used:?} for {}", bytes.escape_ascii());
            }
            _ => count += read(decoder, &mut bytes),
        }
    }
    assert!(count > 100_000, "only {count} requests were still whole");
}

#[test]
fn a_hundred_thousand_mutated_replies() {
    let mut seeds: Vec<Vec<u8>> = exchanges().into_iter().map(|exchange| exchange.replies).collect();
    seeds.retain(|bytes| (1..2000).contains(&bytes.len()));
    seeds.push(
        b"|1\r\n+ttl\r\n:1\r\n%2\r\n+a\r\n~2\r\n_\r\n#t\r\n=5\r\ntxt:a\r\n,1.5\r\n>1\r\n!3\r\nERR\r\n(1\r\n"
            .to_vec(),
    );
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..100_000 {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut random, &mut bytes);
        let at = random.below(bytes.len() + 1);
        let (a, b) = bytes.split_at(at);
        assert_eq!(skip(ReplyLimits::DEFAULT, [a, b]), skip(ReplyLimits::DEFAULT, [&bytes[..]]));
    }
}
