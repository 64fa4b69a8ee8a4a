//! What an error says: the field, the type it wants and the token; how many values were given and which are wanted.

use super::*;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Outer {
    name: String,
    inner: Option<Args>,
    #[serde(default)]
    list: Vec<i64>,
    #[serde(default)]
    map: HashMap<String, i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "i64")]
struct Even(i64);

impl TryFrom<i64> for Even {
    type Error = String;
    fn try_from(value: i64) -> Result<Self, String> {
        if value % 2 == 0 { Ok(Self(value)) } else { Err(format!("{value} is odd")) }
    }
}

fn says<T: DeserializeOwned + Debug>(result: Result<T, String>, text: &str) {
    assert_eq!(result.map_err(|error| error.replace(" at line 1", "")).unwrap_err(), text);
}

#[test]
fn a_token_that_does_not_fit() {
    says(words::<Args>(&["7", "eight"]), r#"field B: wants int64, got "eight""#);
    says(query::<Args>("B=eight&A=1"), r#"field B: wants int64, got "eight""#);
    says(words::<(u8, bool)>(&["7", "x"]), r#"argument 2: wants bool (true, false, 1 or 0), got "x""#);
    says(words::<Vec<u8>>(&["7", "256"]), r#"argument 2: wants uint8, got "256""#);
    says(words::<Even>(&["7"]), r#"argument: 7 is odd, got "7""#);
    says(query::<HashMap<String, u8>>("x=1&y=-1"), r#"field y: wants uint8, got "-1""#);
    says(query::<BTreeMap<u8, u8>>("1=1&x=1"), r#"name: wants uint8, got "x""#);
    says(words::<Outer>(&["x", "7"]), r#"field inner: wants Args as JSON, got "7""#);
    says(words::<Outer>(&["x", "null", "7"]), r#"field list: wants []int64 as JSON, got "7""#);
    says(
        words::<Outer>(&["x", r#"{"A":7}"#]),
        r#"field inner: wants Args as JSON, got "{\"A\":7}": missing field `B` column 7"#,
    );
    says(
        words::<Outer>(&["x", "null", r#"[1,"x"]"#]),
        r#"field list: wants []int64 as JSON, got "[1,\"x\"]": invalid type: string "x", expected i64 column 6"#,
    );
    says(
        words::<Outer>(&["x", "null", "[1] 2"]),
        r#"field list: wants []int64 as JSON, got "[1] 2": trailing characters column 5"#,
    );
    says(
        words::<Outer>(&["x", "null", "[]", "[]"]),
        r#"field map: wants map[string]int64 as JSON, got "[]""#,
    );
    says(
        decode::<Outer>(TextArgs::Positional(&[Token::Plain(b"x"), Token::Integer("7")])),
        "field inner: wants Args as JSON, got 7",
    );
    says(
        words::<Args>(&[r#"{"A":7,"B":"x"}"#]),
        "json: cannot unmarshal string into Go struct field Args.B of type int",
    );
    says(words::<Args>(&["{A}"]), "invalid character 'A' at byte 1");
}

#[test]
fn a_token_in_an_error_is_short_and_escaped() {
    for (token, shown) in [
        (Token::Plain(b"a\"\n\\"), r#""a\"\n\\""#.to_owned()),
        (Token::Plain(b"a\xff\xc3"), r#""a\xff\xc3""#.to_owned()),
        (Token::Plain("żółw\u{202e}".as_bytes()), r#""żółw\u{202e}""#.to_owned()),
        (Token::Plain(&[b'x'; 40]), format!("\"{}\"", "x".repeat(40))),
        (Token::Text(&[b'x'; 41]), format!("\"{}…\"", "x".repeat(40))),
        (Token::Plain(&[0xFF; 1000]), format!("\"{}…\"", r"\xff".repeat(10))),
        (Token::Decimal("1.5"), "1.5".to_owned()),
        (Token::Bytes(&[0xAB; 20]), format!("x'{}'", "ab".repeat(20))),
        (Token::Bytes(&[0xAB; 21]), format!("x'{}'…", "ab".repeat(20))),
        (Token::Null, "NULL".to_owned()),
    ] {
        says(one::<u8>(token), &format!("argument: wants uint8, got {shown}"));
    }
    let name = "x".repeat(1000);
    says(
        query::<Args>(&format!("{name}=1")),
        &format!("field {}… is unknown, there are: A, B", "x".repeat(40)),
    );
}

#[test]
fn too_few_and_too_many() {
    says(words::<Args>(&[]), "0 arguments given, 2 wanted: A, B (A is missing)");
    says(words::<Args>(&["7"]), "1 argument given, 2 wanted: A, B (B is missing)");
    says(words::<Args>(&["7", "8", "9"]), "3 arguments given, 2 wanted: A, B");
    says(words::<(u8, String)>(&["7"]), "1 argument given, 2 wanted: []interface {}");
    says(words::<[u8; 3]>(&["7"]), "1 argument given, 3 wanted: [3]uint8");
    says(words::<i64>(&[]), "0 arguments given, 1 wanted: int64");
    says(words::<i64>(&["7", "8"]), "2 arguments given, 1 wanted: int64");
    says(words::<crate::types::Blob>(&["7", "8"]), "2 arguments given, 1 wanted: []byte");
    says(words::<()>(&["7"]), "1 argument given, none wanted");
}

#[test]
fn names_that_are_missing_unknown_or_there_twice() {
    says(query::<Args>("A=7"), "field B is missing, there are: A, B");
    says(query::<Args>("A=7&B=8&C=9"), "field C is unknown, there are: A, B");
    says(query::<Args>("A=7&B=8&a=9"), "field a is given twice");
    says(query::<HashMap<String, u8>>("x=1&x=2"), "field x is given twice");
    says(query::<Args>("A=7&8"), r#""8" has no name, but other arguments have"#);
    says(query::<i64>("x=7"), "arguments have no names here (x): int64 is wanted");
    says(query::<Vec<u8>>("x=7&y=8"), "arguments have no names here (x, y): []uint8 is wanted");
    says(query::<()>("x=7"), "arguments have no names here (x): nothing is wanted");
    says(
        words::<HashMap<String, u8>>(&["7"]),
        "arguments have to have names here: map[string]uint8 is wanted",
    );
    #[derive(Debug, Deserialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: Args,
    }
    says(words::<Flat>(&["7"]), "arguments have to have names here: interface {} is wanted");
    says(query::<Flat>("id=1&A=2"), "field B is missing");
    says(query::<Flat>("id=x&A=2"), r#"field id: wants uint8, got "x""#);
}

#[test]
fn nothing_is_too_deep_or_too_long() {
    let deep = "[".repeat(1_000_000);
    let closed = deep.clone() + &"]".repeat(1_000_000);
    assert!(words::<Outer>(&["x", "null", &deep]).is_err());
    for text in [&deep, &closed] {
        assert!(words::<Vec<i64>>(&[text]).is_err());
        assert!(words::<Vec<serde_json::Value>>(&[text]).is_err());
        assert!(words::<(String, serde_json::Value)>(&["x", &closed]).is_err());
    }
    let many = vec!["7"; 100_000];
    assert_eq!(words::<Vec<u8>>(&many).unwrap().len(), 100_000);
    says(words::<Args>(&many), "100000 arguments given, 2 wanted: A, B");
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(tokens in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..12), 0..5)) {
        let plain: Vec<_> = tokens.iter().map(|token| Token::Plain(token)).collect();
        for args in [TextArgs::Positional(&plain), TextArgs::Words(&plain), TextArgs::Alternating(&plain)] {
            let _ = decode::<Outer>(args);
            let _ = decode::<Option<Args>>(args);
            let _ = decode::<serde_json::Value>(args);
            let _ = decode::<HashMap<String, crate::types::Any>>(args);
            let _ = decode::<crate::types::Time>(args);
        }
        let joined = tokens.join(&b"&="[..]);
        if let Ok(query) = Query::parse(&joined) {
            let _ = decode::<Outer>(TextArgs::Params(&query.params()));
        }
    }
}
