//! Values and their bytes, both ways of knowing the type; what cannot be written and why.

use super::{SerError, Shape, Structs, observe};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::collections::BTreeMap;

/// A struct with the fields it is told to have.
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

/// What a value shows, spelled out; `?` is what it does not.
fn show<T: Serialize>(value: T) -> String {
    let seen = observe(&value, Structs::default()).unwrap();
    spell(&seen.structs, &seen.shape, &mut Vec::new())
}

fn spell(structs: &Structs, shape: &Shape, around: &mut Vec<usize>) -> String {
    match shape {
        Shape::Unobserved => "?".into(),
        Shape::Unit => "()".into(),
        Shape::Scalar(id) => id.number().to_string(),
        Shape::Marshaled(marshaler) => format!("{marshaler:?}"),
        Shape::List { elem, filled } => {
            format!("{}{}", if *filled { "[+]" } else { "[]" }, spell(structs, elem, around))
        }
        Shape::Array { elem, len } => format!("[{len}]{}", spell(structs, elem, around)),
        Shape::Map { key, elem, .. } => {
            format!("map({}, {})", spell(structs, key, around), spell(structs, elem, around))
        }
        Shape::Struct(at) => {
            let (at, (name, fields)) = (structs.place(*at), structs.get(*at));
            if around.contains(&at) {
                return format!("^{name}");
            }
            around.push(at);
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, shape)| format!("{name} {}", spell(structs, shape, around)))
                .collect();
            around.pop();
            format!("{name}{{{}}}", fields.join(", "))
        }
    }
}

#[test]
fn shapes() {
    for (shown, expected) in [
        (show(5), "2"),
        (show(5u8), "3"),
        (show(Some("x")), "6"),
        (show('x'), "6"),
        (show(None::<i32>), "?"),
        (show(()), "()"),
        (show(vec![1, 2]), "[+]2"),
        (show(Vec::<i32>::new()), "[]?"),
        (show(vec![vec![], vec![1]]), "[+][+]2"),
        (show(vec![None, Some(1)]), "[+]2"),
        (show([1.5f32; 3]), "[3]4"),
        (show(BTreeMap::from([("a", 1)])), "map(6, 2)"),
        (show(Row(&[("a", Some(1)), ("b", None)])), "Row{a 2, b ?}"),
    ] {
        assert_eq!(shown, expected);
    }
}

#[test]
fn structs_of_one_name_are_one_type_in_an_order_of_fields_that_fits_all() {
    let rows = [
        Row(&[("a", Some(1)), ("d", Some(4))]),
        Row(&[("b", Some(1)), ("c", Some(2)), ("d", Some(3))]),
        Row(&[("a", Some(1)), ("b", Some(2)), ("e", None)]),
    ];
    assert_eq!(show(rows.iter().collect::<Vec<_>>()), "[+]Row{a 2, b 2, c 2, d 2, e ?}");

    #[derive(Serialize)]
    struct Both<'a> {
        one: &'a Row,
        more: BTreeMap<&'a str, &'a Row>,
    }
    let [one, two, _] = &rows;
    let both = Both { one, more: [("k", two)].into() };
    assert_eq!(show(both), "Both{one Row{a 2, b 2, c 2, d 2}, more map(6, Row{a 2, b 2, c 2, d 2})}");
}

#[test]
fn recursion_is_that_of_the_type_not_of_the_value() {
    #[derive(Default, Serialize)]
    struct Node {
        value: i32,
        next: Option<Box<Self>>,
        side: Vec<Side>,
    }
    #[derive(Serialize)]
    struct Side {
        node: Node,
        weight: Option<f64>,
    }
    let node = |next, side| Node { value: 1, next, side };
    assert_eq!(show(node(None, vec![])), "Node{value 2, next ?, side []?}");
    let side = Side { node: node(None, vec![]), weight: Some(1.0) };
    let inner = node(Some(Box::default()), vec![Side { node: Node::default(), weight: None }, side]);
    assert_eq!(
        show(node(Some(Box::new(inner)), vec![])),
        "Node{value 2, next ^Node, side [+]Side{node ^Node, weight 4}}"
    );
}

/// Types that share their name only, as generic ones do.
#[test]
fn structs_of_one_name_that_do_not_fit_stay_apart() {
    #[derive(Serialize)]
    struct Page<T> {
        items: Vec<T>,
        next: Option<Box<Self>>,
    }
    let numbers = Page { items: vec![1], next: Some(Box::new(Page { items: vec![2], next: None })) };
    let texts = Page { items: vec!["x"], next: None };
    let tuple = Row(&[]);
    #[derive(Serialize)]
    struct All<'a> {
        numbers: Page<i32>,
        texts: Page<&'a str>,
        row: Row,
    }
    assert_eq!(
        show(All { numbers, texts, row: tuple }),
        "All{numbers Page{items [+]2, next ^Page}, texts Page{items [+]6, next ?}, row Row{}}"
    );
}

#[test]
fn lists_of_unlike_elements_are_refused() {
    let unlike = serde_json::json!([1, "x"]);
    let Err(SerError::Refused(text)) = observe(&unlike, Structs::default()) else { panic!() };
    assert_eq!(
        &*text,
        "gob: uint and string in one list or map, whose values are all of one type; use rpcwrap_codecs::types::Any"
    );
    let mut deep = serde_json::json!(1);
    for _ in 0..101 {
        deep = serde_json::json!([deep]);
    }
    let too_deep = observe(&deep, Structs::default()).unwrap_err();
    assert_eq!(too_deep, SerError::refused("gob: nesting deeper than 100"));
}
