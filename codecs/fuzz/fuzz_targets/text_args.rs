//! What a text protocol may give for arguments: a query string, words in each meaning, JSON, into types of every shape.
#![no_main]

use codecs::text::{Query, TextArgs, Token};
use rpcwrap_codecs_fuzz::{fuzz_target, shapes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(query) = Query::parse(bytes) {
        shapes::text(TextArgs::Params(&query.params()));
    }
    let words: Vec<_> = bytes.split(|&byte| byte == b'\n').map(Token::Plain).collect();
    for args in [TextArgs::Positional(&words), TextArgs::Words(&words), TextArgs::Alternating(&words)] {
        shapes::text(args);
    }
    shapes::text(TextArgs::Json(bytes));
});
