//! Tokens, types, and what comes of them.

#![allow(dead_code, reason = "fields of types that only errors are about are never read")]

mod errors;
mod forms;
mod scalars;

use super::{Param, Query, TextArgs, Token};
use crate::schema::Schema;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Plain tokens.
pub(super) fn plain<'a>(words: &[&'a str]) -> Vec<Token<'a>> {
    words.iter().map(|word| Token::Plain(word.as_bytes())).collect()
}

pub(super) fn decode<T: DeserializeOwned>(args: TextArgs<'_>) -> Result<T, String> {
    let schema = Schema::of::<T>();
    args.decode::<T>(Some(&schema)).map_err(|error| {
        assert!(!error.is_fatal());
        error.text().to_owned()
    })
}

/// Positional plain words.
pub(super) fn words<T: DeserializeOwned>(words: &[&str]) -> Result<T, String> {
    decode(TextArgs::Positional(&plain(words)))
}

/// A query string.
pub(super) fn query<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let query = Query::parse(text.as_bytes()).map_err(|error| error.text().to_owned())?;
    decode(TextArgs::Params(&query.params()))
}

/// One token, as the whole argument and as a field of a struct by position and by name.
pub(super) fn one<T: DeserializeOwned + Debug + PartialEq>(token: Token<'_>) -> Result<T, String> {
    #[derive(serde::Deserialize)]
    struct Holder<T> {
        first: u8,
        value: T,
    }
    let whole = decode::<T>(TextArgs::Positional(&[token]));
    let field = decode::<Holder<T>>(TextArgs::Positional(&[Token::Integer("1"), token]));
    let params = [
        Param { name: Some(b"VALUE"), value: token },
        Param { name: Some(b"first"), value: Token::Plain(b"1") },
    ];
    let named = decode::<Holder<T>>(TextArgs::Params(&params)).map(|holder| holder.value);
    let field = field.map(|holder| holder.value);
    assert_eq!(field, named);
    match (&whole, &field) {
        (Ok(whole), Ok(field)) => assert_eq!(whole, field),
        (Err(whole), Err(field)) => assert_eq!(
            whole.strip_prefix("argument: ").expect("a place"),
            field.strip_prefix("field value: ").expect("a place")
        ),
        _ => panic!("{whole:?} as a whole, {field:?} as a field"),
    }
    whole
}
