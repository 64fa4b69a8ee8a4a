//! How tokens become the parts of an argument.

use super::*;
use crate::types::{Any, Blob, Text};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

const SUM: Args = Args { a: 7, b: 8 };

#[derive(Debug, PartialEq, Default, Deserialize)]
struct Search {
    text: String,
    #[serde(rename = "Max", alias = "limit", alias = "count")]
    max: Option<u32>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "yes")]
    deep: bool,
    #[serde(skip)]
    cache: u8,
    #[serde(with = "serde_bytes", default)]
    raw: Vec<u8>,
}

fn yes() -> bool {
    true
}

fn search(text: &str) -> Search {
    Search { text: text.into(), deep: true, ..Search::default() }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Note {
    note: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    id: i64,
    #[serde(flatten)]
    sum: Args,
    #[serde(flatten)]
    rest: BTreeMap<String, Any>,
}

fn cli<T: DeserializeOwned>(words: &[&str]) -> Result<T, String> {
    decode(TextArgs::Words(&plain(words)))
}

fn resp<T: DeserializeOwned>(words: &[&str]) -> Result<T, String> {
    decode(TextArgs::Alternating(&plain(words)))
}

#[test]
fn positions_are_fields_in_their_order() {
    assert_eq!(words(&["7", "8"]), Ok(SUM));
    assert_eq!(words(&["kota"]), Ok(search("kota")));
    assert_eq!(
        words(&["kota", "5", r#"["a"]"#, "0", "raw"]),
        Ok(Search {
            text: "kota".into(),
            max: Some(5),
            tags: vec!["a".into()],
            deep: false,
            cache: 0,
            raw: b"raw".into()
        })
    );
    assert_eq!(words(&["kota", "null"]), Ok(search("kota")));
    assert_eq!(words(&["8"]), Ok(Note { note: "8".into() }));
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Args);
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(transparent)]
    struct Transparent {
        args: Args,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Empty {}
    assert_eq!(words(&["7", "8"]), Ok(Wrapped(SUM)));
    assert_eq!(words(&["7", "8"]), Ok(Transparent { args: SUM }));
    assert_eq!(words(&["7", "8"]), Ok(Some(SUM)));
    assert_eq!(words(&["7", "8"]), Ok(Box::new(SUM)));
    assert_eq!(words::<Option<Args>>(&[]), Ok(None));
    assert_eq!(words::<Option<Args>>(&["null"]), Ok(None));
    assert_eq!(words(&[]), Ok(Empty {}));
}

#[test]
fn positions_are_elements_of_lists_and_tuples() {
    assert_eq!(words(&["7", "8"]), Ok(vec![7, 8]));
    assert_eq!(words::<Vec<u8>>(&[]), Ok(vec![]));
    assert_eq!(words(&["7", "x", "null"]), Ok((7, "x".to_owned(), None::<i8>)));
    assert_eq!(words(&["7", "8", "9"]), Ok([7u8, 8, 9]));
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(i32, String);
    assert_eq!(words(&["7", "8"]), Ok(Pair(7, "8".into())));
    assert_eq!(words(&[r#"{"A":7,"B":8}"#, r#"{"A":7,"B":8}"#]), Ok(vec![SUM, SUM]));
    assert_eq!(words(&["[1]", "[2,3]"]), Ok(vec![vec![1], vec![2, 3]]));
    assert_eq!(words(&["a", "b"]), Ok(vec![Blob::from(b"a"), Blob::from(b"b")]));
    assert_eq!(words(&["1", "x"]), Ok(json!([1, "x"])));
    assert_eq!(words(&[]), Ok(json!(null)));
    assert_eq!(words::<serde::de::IgnoredAny>(&["1", "x"]).map(drop), Ok(()));
}

#[test]
fn names_in_any_case_and_order() {
    for (text, args) in [("A=7&B=8", SUM), ("b=8&a=7", SUM), ("%41=%37&B=8&", SUM)] {
        assert_eq!(query(text), Ok(args), "{text}");
    }
    assert_eq!(query("text=a+b%26c&limit=5"), Ok(Search { max: Some(5), ..search("a b&c") }));
    assert_eq!(query::<Search>("TEXT=&max=null&Count=5"), Err("field Max is given twice".into()));
    assert_eq!(
        query("text=x&count=5&raw=%ff%00"),
        Ok(Search { max: Some(5), raw: vec![0xFF, 0], ..search("x") })
    );
    #[derive(Debug, PartialEq, Deserialize)]
    struct Cases {
        id: u8,
        #[serde(rename = "ID")]
        upper: u8,
    }
    assert_eq!(query("ID=1&id=2"), Ok(Cases { id: 2, upper: 1 }));
    assert_eq!(query::<Cases>("Id=1&id=2"), Err("field Id is ambiguous, there are: id, ID".into()));
    assert_eq!(query("7&8"), Ok(SUM));
    assert_eq!(query("hello+you"), Ok("hello you".to_owned()));
    assert_eq!(query(""), Ok(None::<Args>));
    assert_eq!(query(""), Ok(()));
}

#[test]
fn names_are_members_of_maps() {
    let map = HashMap::from([("x".to_owned(), 1), ("y-z".to_owned(), 2)]);
    assert_eq!(query("x=1&y-z=2"), Ok(map.clone()));
    assert_eq!(cli(&["x=1", "y-z=2"]), Ok(map.clone()));
    assert_eq!(resp(&["x", "1", "y-z", "2"]), Ok(map.clone()));
    assert_eq!(words(&[r#"{"x":1,"y-z":2}"#]), Ok(map));
    assert_eq!(words(&[]), Ok(HashMap::<String, i64>::new()));
    assert_eq!(query("1=x"), Ok(BTreeMap::from([(1u8, "x".to_owned())])));
    assert_eq!(query("%ff=x"), Ok(BTreeMap::from([(Text(vec![0xFF]), "x".to_owned())])));
    assert_eq!(query("a=1&b=x"), Ok(json!({"a": 1, "b": "x"})));
    assert_eq!(cli(&["a=1", "b=x=y"]), Ok(json!({"a": 1, "b": "x=y"})));
    assert_eq!(resp(&["a", "1"]), Ok(json!(["a", 1])), "words of any form have no names in turn");
}

#[test]
fn flattened_structs_take_names() {
    let flat = Flat { id: 1, sum: SUM, rest: BTreeMap::from([("x".into(), "y".into())]) };
    assert_eq!(query("id=1&A=7&B=8&x=y"), Ok(flat));
    let flat = |rest: &[(&str, Any)]| Flat {
        id: 1,
        sum: SUM,
        rest: rest.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    assert_eq!(cli(&["id=1", "A=7", "B=8"]), Ok(flat(&[])));
    assert_eq!(resp(&["id", "1", "A", "7", "B", "8", "n", "5"]), Ok(flat(&[("n", 5i64.into())])));
    assert_eq!(words(&[r#"{"id":1,"A":7,"B":8}"#]), Ok(flat(&[])));
    #[derive(Debug, PartialEq, Deserialize)]
    struct Holder {
        id: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        name: String,
        raw: Blob,
        none: Option<i64>,
    }
    let inner = |name: &str, raw: &[u8]| Holder {
        id: 1,
        inner: Inner { name: name.into(), raw: raw.into(), none: None },
    };
    assert_eq!(query("id=1&name=x&raw=%ff&none=null"), Ok(inner("x", b"\xff")));
    assert_eq!(query("id=1&name=%227%22&raw=YQ%3d%3d"), Ok(inner("7", b"a")));
}

#[test]
fn words_are_named_where_the_type_has_one_of_the_names() {
    assert_eq!(cli(&["A=7", "b=8"]), Ok(SUM));
    assert_eq!(cli(&["7", "8"]), Ok(SUM));
    assert_eq!(cli(&["text=a=b"]), Ok(search("a=b")));
    assert_eq!(cli(&["other=b"]), Ok(search("other=b")));
    assert_eq!(cli(&["x=1"]), Ok("x=1".to_owned()));
    assert_eq!(cli(&["x=1", "y"]), Ok(vec!["x=1".to_owned(), "y".to_owned()]));
    assert_eq!(cli(&["x=1"]), Ok(Blob::from(b"x=1")));
    assert_eq!(cli(&[r#"{"A":7,"B":8}"#]), Ok(SUM));
    assert_eq!(cli(&[r#"{"note":"x=1"}"#]), Ok(Note { note: r#"{"note":"x=1"}"#.into() }));
    assert_eq!(cli::<Args>(&["A=7", "C=8"]), Err("field C is unknown, there are: A, B".into()));
    assert_eq!(cli::<Args>(&["7", "B=8"]), Err(r#"field B: wants int64, got "B=8""#.into()));
}

#[test]
fn names_in_turn_where_every_other_word_is_one() {
    assert_eq!(resp(&["A", "7", "b", "8"]), Ok(SUM));
    assert_eq!(resp(&["7", "8"]), Ok(SUM));
    assert_eq!(resp(&["text", "x", "limit", "5"]), Ok(Search { max: Some(5), ..search("x") }));
    assert_eq!(resp(&["text", "5"]), Ok(search("5")));
    assert_eq!(resp(&["x", "5"]), Ok(Search { max: Some(5), ..search("x") }));
    assert_eq!(resp(&["text"]), Ok(search("text")));
    assert_eq!(resp(&["note", "note"]), Ok(Note { note: "note".into() }));
    assert_eq!(resp(&["a", "b"]), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(resp::<Args>(&["A", "7", "C", "8"]), Err("4 arguments given, 2 wanted: A, B".into()));
}

#[test]
fn one_json_value_is_the_whole_argument() {
    for text in [r#"{"A":7,"B":8}"#, r#" {"b":8,"a":7} "#] {
        assert_eq!(words(&[text]), Ok(SUM), "{text}");
        assert_eq!(words(&[text]), Ok(Some(SUM)), "{text}");
        assert_eq!(decode(TextArgs::Positional(&[Token::Text(text.as_bytes())])), Ok(SUM));
        assert_eq!(decode(TextArgs::Json(text.as_bytes())), Ok(SUM));
        assert_eq!(resp(&[text]), Ok(SUM));
    }
    assert_eq!(words(&["[1,2]"]), Ok(vec![1, 2]));
    assert_eq!(words(&["[[1],[2]]"]), Ok(vec![vec![1], vec![2]]));
    assert_eq!(words(&[r#"["a"]"#]), Ok(vec!["a".to_owned()]));
    assert_eq!(words(&[r#"["a"#]), Ok(vec![r#"["a"#.to_owned()]), "a text if it is no JSON");
    assert_eq!(words(&["[7,\"x\"]"]), Ok((7, "x".to_owned())));
    assert_eq!(words(&[r#"{"text":"x"}"#]), Ok(Search { deep: true, ..search("x") }));
    assert_eq!(words(&["{text"]), Ok(search("{text")));
    assert_eq!(words(&[r#"{"note":"x"}"#]), Ok(Note { note: r#"{"note":"x"}"#.into() }));
    assert_eq!(decode(TextArgs::Json(br#"{"note":"x"}"#)), Ok(Note { note: "x".into() }));
    assert_eq!(decode(TextArgs::Json(b"null")), Ok(()));
    assert_eq!(decode(TextArgs::Json(br#""x""#)), Ok("x".to_owned()));
    assert_eq!(decode(TextArgs::Json(br#"{"a":[1]}"#)), Ok(json!({"a": [1]})));
}

#[test]
fn untagged_and_internally_tagged_enums() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(i64),
        Name(String),
        Both { number: i64, name: String },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Job {
        Wait { ms: u32 },
    }
    assert_eq!(words(&["7"]), Ok(Id::Number(7)));
    assert_eq!(words(&["x"]), Ok(Id::Name("x".into())));
    assert_eq!(query("number=7&name=x"), Ok(Id::Both { number: 7, name: "x".into() }));
    assert_eq!(words(&[r#"{"number":7,"name":"x"}"#]), Ok(Id::Both { number: 7, name: "x".into() }));
    assert_eq!(query("kind=Wait&ms=5"), Ok(Job::Wait { ms: 5 }));
    assert_eq!(words(&[r#"{"kind":"Wait","ms":5}"#]), Ok(Job::Wait { ms: 5 }));
    assert_eq!(words(&["1", "x"]), Ok(vec![Id::Number(1), Id::Name("x".into())]));
}

#[test]
fn without_a_schema() {
    fn bare<T: DeserializeOwned>(words: &[&str]) -> Result<T, String> {
        TextArgs::Words(&plain(words)).decode(None).map_err(|error| error.text().to_owned())
    }
    assert_eq!(bare(&["7", "8"]), Ok(SUM));
    assert_eq!(bare(&["A=7", "b=8"]), Ok(SUM));
    assert_eq!(bare(&[r#"{"A":7,"B":8}"#]), Ok(SUM));
    assert_eq!(bare(&["7", "8"]), Ok(vec![7, 8]));
    assert_eq!(bare(&["AP8K"]), Ok(Blob::from(b"AP8K")));
    assert_eq!(bare(&["7", "x"]), Ok(json!([7, "x"])));
    assert_eq!(bare::<Args>(&["7", "x"]), Err(r#"field B: wants int64, got "x""#.into()));
    assert_eq!(bare::<Value>(&["2015-01-15T08:11:21Z"]), Ok(json!("2015-01-15T08:11:21Z")));
    let time = bare::<crate::types::Time>(&["2015-01-15T08:11:21Z"]).unwrap();
    assert_eq!(time.to_string(), "2015-01-15T08:11:21Z");
}

#[test]
fn query_strings() {
    type Pair<'a> = (Option<&'a [u8]>, &'a [u8]);
    let table: &[(&str, &[Pair<'_>])] = &[
        ("", &[]),
        ("&&", &[]),
        ("A=7&B=8", &[(Some(b"A"), b"7"), (Some(b"B"), b"8")]),
        ("=7", &[(Some(b""), b"7")]),
        ("A", &[(None, b"A")]),
        ("A=", &[(Some(b"A"), b"")]),
        ("A=b=c", &[(Some(b"A"), b"b=c")]),
        ("a+b=%2B+%2b", &[(Some(b"a b"), b"+ +")]),
        ("%3d%26=%00%ff", &[(Some(b"=&"), b"\0\xff")]),
        ("A=1&A=2", &[(Some(b"A"), b"1"), (Some(b"A"), b"2")]),
        ("A=1;B=2", &[(Some(b"A"), b"1;B=2")]),
        ("é=ü", &[(Some("é".as_bytes()), "ü".as_bytes())]),
    ];
    for (text, pairs) in table {
        assert_eq!(Query::parse(text.as_bytes()).unwrap().iter().collect::<Vec<_>>(), *pairs, "{text}");
    }
    for (text, error) in [
        ("A=7&B=%4", "query parameter 2, B=%4: % without two hexadecimal digits"),
        ("%", "query parameter 1, %: % without two hexadecimal digits"),
        ("&A=1&%g0=1", "query parameter 2, %g0=1: % without two hexadecimal digits"),
        ("A=%+1", "query parameter 1, A=%+1: % without two hexadecimal digits"),
    ] {
        assert_eq!(Query::parse(text.as_bytes()).unwrap_err().text(), error, "{text}");
    }
    assert_eq!(Query::parse("a=1&".repeat(1000).as_bytes()).unwrap().iter().len(), 1000);
    let error = Query::parse("a=1&".repeat(1001).as_bytes()).unwrap_err();
    assert_eq!(error.text(), "query of 1001 parameters, limit 1000");
}

#[test]
fn arguments_of_a_method() {
    static ARGS: crate::schema::TypeOf = crate::schema::TypeOf::new::<Args>();
    let words = plain(&["7", "8"]);
    let text = TextArgs::Positional(&words);
    assert_eq!(crate::Args::Text(&text, Some(&ARGS)).decode(), Ok(SUM));
    assert_eq!(crate::Args::Text(&text, None).decode(), Ok(vec![7, 8]));
    assert!(size_of::<crate::Args<'_>>() <= 32, "arguments are handed on by value");
}
