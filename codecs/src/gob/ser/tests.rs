//! Values and their bytes, both ways of knowing the type; what cannot be written and why.

use super::{Fault, Shape, look};
use crate::gob::types::Id;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::collections::BTreeMap;

/// A struct with whatever fields it is told to have.
struct Row(&'static [(&'static str, Option<i64>)]);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", self.0.len())?;
        for (name, value) in self.0 {
            match value {
                Some(value) => row.serialize_field(name, value)?,
                None => row.skip_field(name)?,
            }
        }
        row.end()
    }
}

fn shape<T: Serialize>(value: T) -> Shape {
    look(&value).unwrap().0
}

fn row(fields: &[(&'static str, Shape)]) -> Shape {
    Shape::Struct { name: "Row", fields: fields.to_vec() }
}

fn list(elem: Shape, filled: bool) -> Shape {
    Shape::List { elem: Box::new(elem), filled }
}

const INT: Shape = Shape::Scalar(Id::INT);

#[test]
fn shapes() {
    for (found, expected) in [
        (shape(5), INT),
        (shape(5u8), Shape::Scalar(Id::UINT)),
        (shape(Some("x")), Shape::Scalar(Id::STRING)),
        (shape('x'), Shape::Scalar(Id::STRING)),
        (shape(None::<i32>), Shape::Unseen),
        (shape(()), Shape::UNIT),
        (shape(vec![1, 2]), list(INT, true)),
        (shape(Vec::<i32>::new()), list(Shape::Unseen, false)),
        (shape(vec![vec![], vec![1]]), list(list(INT, true), true)),
        (shape(vec![None, Some(1)]), list(INT, true)),
        (shape([1.5f32; 3]), Shape::Array { elem: Box::new(Shape::Scalar(Id::FLOAT)), len: 3 }),
        (
            shape(BTreeMap::from([("a", 1)])),
            Shape::Map { key: Box::new(Shape::Scalar(Id::STRING)), elem: Box::new(INT), filled: true },
        ),
        (shape(Row(&[("a", Some(1)), ("b", None)])), row(&[("a", INT), ("b", Shape::Unseen)])),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn elements_share_the_union_of_their_fields_in_an_order_that_fits_all() {
    let rows = [
        Row(&[("a", Some(1)), ("d", Some(4))]),
        Row(&[("b", Some(1)), ("c", Some(2)), ("d", Some(3))]),
        Row(&[("a", Some(1)), ("b", Some(2)), ("e", None)]),
    ];
    let Shape::List { elem, .. } = shape(rows.iter().collect::<Vec<_>>()) else { panic!() };
    let Shape::Struct { fields, .. } = *elem else { panic!() };
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[test]
fn lists_of_unlike_elements_are_refused() {
    let unlike = serde_json::json!([1, "x"]);
    let Err(Fault::Refused(text)) = look(&unlike) else { panic!() };
    assert_eq!(
        &*text,
        "gob: uint and string in one list or map, whose values are all of one type; use codecs::types::Any"
    );
    let mut deep = serde_json::json!(1);
    for _ in 0..101 {
        deep = serde_json::json!([deep]);
    }
    assert_eq!(look(&deep), Err(Fault::refused("gob: nesting deeper than 100")));
}
