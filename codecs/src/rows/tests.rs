//! Types with their columns, values with their rows.

use super::{Cell, Column, RowSink, RowWriter, Shape};
use crate::{
    error::EncodeError,
    schema::Schema,
    types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU16,
};

/// A table as text: columns with their kinds, then a line for each row.
#[derive(Default)]
struct Sheet {
    text: String,
    columns: Option<usize>,
    cells: Option<usize>,
    /// Rows it takes before it refuses one.
    room: Option<usize>,
}

impl RowSink for Sheet {
    fn columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        assert!(self.columns.replace(columns.len()).is_none(), "columns are announced once");
        for Column { name, kind } in columns {
            write!(self.text, "{name} {kind}|").unwrap();
        }
        Ok(())
    }

    fn begin_row(&mut self) -> Result<(), EncodeError> {
        assert!(self.columns.is_some() && self.cells.replace(0).is_none());
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or_else(|| EncodeError::new("the table is full"))?;
        }
        self.text.push('\n');
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), EncodeError> {
        *self.cells.as_mut().expect("a row") += 1;
        match cell {
            Cell::Text(text) => write!(self.text, "'{}'|", text.escape_ascii()).unwrap(),
            Cell::Bytes(_) => write!(self.text, "x{cell}|").unwrap(),
            Cell::Json(_) => write!(self.text, "json {cell}|").unwrap(),
            _ => write!(self.text, "{cell}|").unwrap(),
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), EncodeError> {
        assert_eq!(self.cells.take(), self.columns);
        Ok(())
    }
}

fn table_of<T: Serialize + ?Sized>(shape: &Shape, values: &[&T]) -> Result<String, String> {
    let mut sheet = Sheet::default();
    let mut rows = RowWriter::new(shape);
    for value in values {
        rows.write(*value, &mut sheet).map_err(|error| error.text().to_owned())?;
    }
    rows.finish(&mut sheet).map_err(|error| error.text().to_owned())?;
    Ok(sheet.text)
}

/// The table of a reply of a traced type.
fn table<T: Serialize + Deserialize<'static>>(value: &T) -> String {
    table_of(&Shape::of(&Schema::of::<T>(), false), &[value]).unwrap()
}

/// The table of a stream of items of a traced type.
fn stream<T: Serialize + Deserialize<'static>>(items: &[&T]) -> Result<String, String> {
    table_of(&Shape::of(&Schema::of::<T>(), true), items)
}

/// The table of a reply of no known type.
fn dynamic<T: Serialize>(value: &T) -> String {
    table_of(&Shape::dynamic(false), &[value]).unwrap()
}

macro_rules! tables {
    ($($value:expr => $table:literal;)*) => {$(
        assert_eq!(table(&$value), $table, "{}", stringify!($value));
    )*};
}

#[derive(Serialize, Deserialize, Clone)]
struct Hit {
    name: String,
    #[serde(rename = "Score", skip_serializing_if = "Option::is_none")]
    score: Option<u8>,
    tags: Vec<String>,
    last: bool,
}

#[derive(Serialize, Deserialize)]
enum Color {
    Red,
}

#[derive(Serialize, Deserialize)]
enum Form {
    Point,
    Circle(f64),
}

#[derive(Serialize, Deserialize)]
struct Meters(f32);

#[derive(Serialize, Deserialize)]
struct Nothing;

#[derive(Serialize, Deserialize)]
struct Empty {}

#[derive(Serialize, Deserialize)]
struct Flat {
    id: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, Any>,
}

fn hit(name: &str, score: Option<u8>) -> Hit {
    Hit { name: name.into(), score, tags: vec!["a".into(), "<b>".into()], last: true }
}

#[test]
fn scalars_are_one_column() {
    tables! {
        true => "value bool|\ntrue|";
        -7i8 => "value int8|\n-7|";
        i64::MIN => "value int64|\n-9223372036854775808|";
        i128::MAX => "value int128|\n170141183460469231731687303715884105727|";
        u64::MAX => "value uint64|\n18446744073709551615|";
        u128::MAX => "value uint128|\n340282366920938463463374607431768211455|";
        NonZeroU16::MAX => "value uint16|\n65535|";
        0.1f32 => "value float32|\n0.1|";
        Meters(0.1) => "value float32|\n0.1|";
        1e21f64 => "value float64|\n1000000000000000000000|";
        f64::NAN => "value float64|\nNaN|";
        'x' => "value text|\n'x'|";
        "kota".to_owned() => "value text|\n'kota'|";
        Text(vec![0xFF]) => "value text|\n'\\xff'|";
        Blob::from(b"\x00\xff") => "value bytes|\nx00ff|";
        serde_bytes::ByteBuf::from(b"ab") => "value bytes|\nx6162|";
        GobEncoded(vec![1]) => "value bytes|\nx01|";
        BinaryMarshaled(vec![2]) => "value bytes|\nx02|";
        Time::from_unix_millis(1_421_305_881_500) => "value time|\n2015-01-15T07:11:21.5Z|";
        Complex::new(1.5, -2.0) => "value json|\njson [1.5,-2.0]|";
        Color::Red => "value text|\n'Red'|";
        Form::Circle(1.5) => "value json|\njson {\"Circle\":1.5}|";
        Form::Point => "value json|\n'Point'|";
        IpAddr::from([10, 0, 0, 1]) => "value json|\n'10.0.0.1'|";
        std::time::Duration::new(1, 5) => "secs uint64|nanos uint32|\n1|5|";
        Some(7u8) => "value uint8|\n7|";
        None::<u8> => "value uint8|";
        Some(Some("x".to_owned())) => "value text|\n'x'|";
        Empty {} => "value json|\njson {}|";
        () => "";
        Nothing => "";
    }
}

#[test]
fn structs_and_tuples_are_one_row() {
    tables! {
        hit("kota", Some(5)) => "name text|Score uint8|tags json|last bool|\n'kota'|5|json [\"a\",\"<b>\"]|true|";
        hit("kota", None) => "name text|Score uint8|tags json|last bool|\n'kota'|NULL|json [\"a\",\"<b>\"]|true|";
        None::<Hit> => "name text|Score uint8|tags json|last bool|";
        (1, "x".to_owned(), None::<bool>) => "1 int32|2 text|3 bool|\n1|'x'|NULL|";
        (1u8, 2u8) => "1 uint8|2 uint8|\n1|2|";
        [1.5f64; 3] => "1 float64|2 float64|3 float64|\n1.5|1.5|1.5|";
        (Complex::new(0.0, 1.0), Ipv4Addr::LOCALHOST, Blob::from(b"x")) =>
            "1 json|2 json|3 bytes|\njson [0.0,1.0]|'127.0.0.1'|x78|";
        (Any::Int(7), Any::Time(Time::default()), Any::List(vec![]), Any::Null) =>
            "1 json|2 json|3 json|4 json|\n7|0001-01-01T00:00:00Z|json []|NULL|";
        ((), Form::Point, json!("x"), json!({"a": [1]})) => "1 json|2 json|3 json|4 json|\nNULL|'Point'|'x'|json {\"a\":[1]}|";
        Box::new((hit("x", None), 7)) =>
            "1 json|2 int32|\njson {\"name\":\"x\",\"tags\":[\"a\",\"<b>\"],\"last\":true}|7|";
    }
}

#[test]
fn lists_and_maps_are_many_rows() {
    tables! {
        vec![hit("a", None), hit("b", Some(1))] =>
            "name text|Score uint8|tags json|last bool|\n'a'|NULL|json [\"a\",\"<b>\"]|true|\n'b'|1|json [\"a\",\"<b>\"]|true|";
        Vec::<Hit>::new() => "name text|Score uint8|tags json|last bool|";
        vec![Some((1, 2i64)), None] => "1 int32|2 int64|\n1|2|\nNULL|NULL|";
        Some(vec![1, 2]) => "value int32|\n1|\n2|";
        None::<Vec<i32>> => "value int32|";
        vec![Some("a".to_owned()), None] => "value text|\n'a'|\nNULL|";
        vec![Time::default()] => "value time|\n0001-01-01T00:00:00Z|";
        vec![Blob::from(b"\x01"), Blob::default()] => "value bytes|\nx01|\nx|";
        vec![vec![1, 2], vec![]] => "value json|\njson [1,2]|\njson []|";
        vec![(), ()] => "value json|\nNULL|\nNULL|";
        BTreeSet::from([2, 1]) => "value int32|\n1|\n2|";
        BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]) => "key text|value int32|\n'a'|1|\n'b'|2|";
        BTreeMap::from([(-7i64, Some(vec![1])), (8, None)]) => "key int64|value json|\n-7|json [1]|\n8|NULL|";
        HashMap::<String, u8>::new() => "key text|value uint8|";
        HashMap::from([("hit".to_owned(), hit("a", None))]) =>
            "key text|value json|\n'hit'|json {\"name\":\"a\",\"tags\":[\"a\",\"<b>\"],\"last\":true}|";
    }
    for (many, shape) in [
        (true, Shape::of(&Schema::of::<Vec<u8>>(), false)),
        (true, Shape::of(&Schema::of::<HashMap<String, u8>>(), false)),
        (true, Shape::of(&Schema::of::<u8>(), true)),
        (true, Shape::of(&Schema::of::<Value>(), false)),
        (false, Shape::of(&Schema::of::<Option<Hit>>(), false)),
        (false, Shape::of(&Schema::of::<()>(), false)),
    ] {
        assert_eq!(shape.is_many(), many, "{shape:?}");
    }
}

#[test]
fn items_of_streams_are_rows() {
    let header = "name text|Score uint8|tags json|last bool|";
    assert_eq!(stream::<Hit>(&[]).unwrap(), header);
    let rows = "\n'a'|NULL|json [\"a\",\"<b>\"]|true|\n'b'|1|json [\"a\",\"<b>\"]|true|";
    assert_eq!(stream(&[&hit("a", None), &hit("b", Some(1))]).unwrap(), format!("{header}{rows}"));
    assert_eq!(stream(&[&7, &8]).unwrap(), "value int32|\n7|\n8|");
    assert_eq!(stream(&[&Some(7), &None]).unwrap(), "value int32|\n7|\nNULL|");
    assert_eq!(stream(&[&vec![1, 2], &vec![]]).unwrap(), "value json|\njson [1,2]|\njson []|");
    assert_eq!(stream(&[&(), &()]).unwrap(), "value json|\nNULL|\nNULL|");
    assert_eq!(stream(&[&None, &Some((1u8, true))]).unwrap(), "1 uint8|2 bool|\nNULL|NULL|\n1|true|");
    assert_eq!(stream::<Value>(&[]).unwrap(), "value json|");
    assert_eq!(
        stream(&[&json!({"a": 1, "b": "x"}), &json!({"b": [2]}), &json!(null)]).unwrap(),
        "a json|b json|\n1|'x'|\nNULL|json [2]|\nNULL|NULL|"
    );
    assert_eq!(
        stream(&[&json!({"a": 1}), &json!({"b": 2})]),
        Err("field b of the reply is none that its type announces".into())
    );
    assert!(stream(&[&json!({"a": 1}), &json!(5)]).is_err());
}

#[test]
fn values_show_the_columns_that_types_do_not() {
    for (value, table) in [
        (json!(null), ""),
        (json!([]), "value json|"),
        (json!(7), "value int64|\n7|"),
        (json!("x"), "value text|\n'x'|"),
        (json!({"b": 1, "a": [1]}), "a json|b int64|\njson [1]|1|"),
        (json!([1, -2, null]), "value int64|\n1|\n-2|\nNULL|"),
        (json!([1, "x", [2]]), "value json|\n1|\n'x'|\njson [2]|"),
        (json!([1, 1.5]), "value json|\n1|\n1.5|"),
        (json!([u64::MAX]), "value uint64|\n18446744073709551615|"),
        (
            json!([{"a": 1, "b": null}, {"b": "x", "c": true}]),
            "a int64|b text|c bool|\n1|NULL|NULL|\nNULL|'x'|true|",
        ),
        (json!([{"a": 1}, null]), "a int64|\n1|\nNULL|"),
        (json!([{"a": 1}, 5]), "value json|\njson {\"a\":1}|\n5|"),
        (json!([[1, 2], [3]]), "value json|\njson [1,2]|\njson [3]|"),
        (json!([{}, {}]), "value json|\njson {}|\njson {}|"),
    ] {
        assert_eq!(dynamic(&value), table, "{value}");
        assert_eq!(self::table(&value), table, "{value}");
    }
    let members = |members: &[(&str, Any)]| {
        Any::Map(members.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
    };
    let (z, y) = (("z", Any::Int32(7)), ("y", Any::Time(Time::default())));
    assert_eq!(table(&members(&[z.clone(), y.clone()])), "z int64|y time|\n7|0001-01-01T00:00:00Z|");
    assert_eq!(
        table(&Any::List(vec![members(&[z.clone(), y.clone()]), members(&[y, z])])),
        "z int64|y time|\n7|0001-01-01T00:00:00Z|\n7|0001-01-01T00:00:00Z|"
    );
    let rest = BTreeMap::from([("raw".to_owned(), Any::Blob(Blob::from(b"\xff")))]);
    assert_eq!(table(&Flat { id: 1, rest }), "id int64|raw bytes|\n1|xff|");
    let maps = vec![BTreeMap::from([("a".to_owned(), 1)]), BTreeMap::from([("b".to_owned(), 2)])];
    assert_eq!(table(&maps), "a int64|b int64|\n1|NULL|\nNULL|2|");
    assert_eq!(dynamic(&hit("x", None)), "name text|tags json|last bool|\n'x'|json [\"a\",\"<b>\"]|true|");
    assert_eq!(dynamic(&vec![(1u8, "x")]), "1 int64|2 text|\n1|'x'|");
    let wide: BTreeMap<u32, u32> = (0..1001).map(|at| (at, at)).collect();
    assert!(dynamic(&wide).starts_with("value json|\njson {\"0\":0,"));
}

#[test]
fn fields_come_in_any_order() {
    struct Backwards;
    impl Serialize for Backwards {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([("last", json!(false)), ("tags", json!(["t"])), ("name", json!("x"))])
        }
    }
    let shape = Shape::of(&Schema::of::<Hit>(), false);
    assert_eq!(
        table_of(&shape, &[&Backwards]).unwrap(),
        "name text|Score uint8|tags json|last bool|\n'x'|NULL|json [\"t\"]|false|"
    );
}

#[test]
fn values_that_are_not_of_the_shape() {
    let hits = Shape::of(&Schema::of::<Vec<Hit>>(), false);
    let one = Shape::of(&Schema::of::<Hit>(), false);
    let pair = Shape::of(&Schema::of::<(i32, String)>(), false);
    let byte = Shape::of(&Schema::of::<u8>(), false);
    let map = Shape::of(&Schema::of::<HashMap<String, u8>>(), false);
    for (shape, value, error) in [
        (&hits, json!(5), "the reply's type is a list, its value is none"),
        (&hits, json!([5]), "the reply's type is a row with fields, its value is not"),
        (&map, json!([5]), "the reply's type is a map, its value is none"),
        (&map, json!({"a": "x"}), "column value of the reply is of the kind uint8, its value is not: x"),
        (&one, json!([]), "the reply's type is a row with fields, its value is not"),
        (&one, json!({"nome": "x"}), "field nome of the reply is none that its type announces"),
        (&one, json!({"name": 5}), "column name of the reply is of the kind text, its value is not: 5"),
        (
            &one,
            json!({"Score": 256}),
            "column Score of the reply is of the kind uint8, its value is not: 256",
        ),
        (&pair, json!([1]), "a row of the reply has 1 values, its type 2"),
        (&pair, json!([1, "x", 2]), "the reply has more values than its type has columns"),
        (&pair, json!({}), "the reply's type is a row of a tuple, its value is not"),
        (&byte, json!(256), "column value of the reply is of the kind uint8, its value is not: 256"),
        (&byte, json!(-1), "column value of the reply is of the kind uint8, its value is not: -1"),
        (&byte, json!([1]), "column value of the reply is of the kind uint8, its value is not: [1]"),
    ] {
        assert_eq!(table_of(shape, &[&value]), Err(error.to_owned()), "{value}");
    }
    let twice = Any::Map(vec![("a".into(), Any::Null), ("a".into(), Any::Null)]);
    let error = table_of(&Shape::dynamic(false), &[&twice]);
    assert_eq!(error, Err("field a of the reply is there twice".to_owned()));
}

#[test]
fn a_sink_that_refuses_ends_the_writing() {
    let shape = Shape::of(&Schema::of::<Vec<u8>>(), false);
    let mut sheet = Sheet { room: Some(2), ..Sheet::default() };
    let error = RowWriter::new(&shape).write(&[1, 2, 3], &mut sheet).unwrap_err();
    assert_eq!((error.text(), &*sheet.text), ("the table is full", "value uint8|\n1|\n2|"));
}

#[test]
fn only_columns_of_json_hold_several_kinds() {
    use super::Kind::{Float, Int, Json, Uint};
    for (kind, fits, not) in [
        (
            Int(8),
            vec![Cell::Int(-128), Cell::Int(127), Cell::Uint(127), Cell::Null],
            vec![Cell::Int(128), Cell::Uint(128)],
        ),
        (Int(128), vec![Cell::Int(i128::MIN), Cell::Int(i128::MAX)], vec![Cell::Uint(u128::MAX)]),
        (Uint(64), vec![Cell::Uint(u64::MAX.into()), Cell::Int(5)], vec![Cell::Int(-1), Cell::Uint(1 << 64)]),
        (Uint(128), vec![Cell::Uint(u128::MAX)], vec![Cell::Bool(true)]),
        (Float(32), vec![Cell::Float32(1.0)], vec![Cell::Float(1.0), Cell::Int(1)]),
        (Json, vec![Cell::Text(b"x"), Cell::Json("[]"), Cell::Bool(true)], vec![]),
    ] {
        for cell in fits {
            assert!(kind.fit(cell).is_some(), "{kind} {cell:?}");
        }
        for cell in not {
            assert!(kind.fit(cell).is_none(), "{kind} {cell:?}");
        }
    }
}
