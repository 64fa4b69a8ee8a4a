//! Every type as argument and as reply, over a connection of its own.

use super::{Cases, GoServer, Outcome, equal, samples::*};
use rpcwrap::codecs::types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time};
use rpcwrap_client::{Client, Error};
use rpcwrap_tests::gob_services::{
    interfaces::{AnyHolder, Circle, Holder, Mixed, Square, Value, any_of_kind, kind, of_kind},
    look::{moment, time},
    types::{
        Arrays, Dir, Embedded, Empty, Inner, Lists, Maps, Moment, Named, Nested, Node, Opaques, Ping, Point,
        Pointers, Rose, Scalars, Times, Tree,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// A statement that the method returns each of the values: with the types defined on the way, and again.
async fn echoes<T>(client: &Client, method: &str, values: &[T]) -> Outcome
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    for value in values.iter().chain(values) {
        let got: T = client
            .request(method)
            .with_arg_type::<T>()
            .call(value)
            .await
            .map_err(|error| format!("{value:?}: {error}"))?;
        if got != *value {
            return Err(format!("{method}({value:?}): got {got:?}").into());
        }
    }
    Ok(())
}

/// A statement about one call.
pub(super) async fn gives<A, R>(client: &Client, method: &str, args: &A, wanted: &R) -> Outcome
where
    A: Serialize + Debug,
    R: DeserializeOwned + PartialEq + Debug,
{
    let got: Result<R, Error> = client.call(method, args).await;
    match got {
        Ok(got) if got == *wanted => Ok(()),
        Ok(got) => Err(format!("{method}({args:?}): got {got:?}, wanted {wanted:?}").into()),
        Err(error) => Err(format!("{method}({args:?}): {error}").into()),
    }
}

pub(super) async fn cases(cases: &mut Cases, server: &GoServer) {
    macro_rules! echo {
        ($($name:literal: $method:literal [$($value:expr),* $(,)?];)*) => {$(
            cases.case($name, async || { echoes(&server.dial().await?, $method, &[$($value),*]).await }).await;
        )*};
    }
    let [utc, east, west, seconds, zero] = some_times();
    echo! {
        "int": "Echo.Int" [0_i64, 1, -1, 63, 64, -64, -65, 127, 128, i64::MAX, i64::MIN];
        "int8": "Echo.Int8" [0_i8, 1, i8::MAX, i8::MIN];
        "int16": "Echo.Int16" [0_i16, -1, i16::MAX, i16::MIN];
        "int32": "Echo.Int32" [0_i32, -1, i32::MAX, i32::MIN];
        "int64": "Echo.Int64" [0_i64, -1, i64::MAX, i64::MIN];
        "uint": "Echo.Uint" [0_u64, 127, 128, 255, 256, u64::MAX];
        "uint8": "Echo.Uint8" [0_u8, 127, 128, u8::MAX];
        "uint16": "Echo.Uint16" [0_u16, u16::MAX];
        "uint32": "Echo.Uint32" [0_u32, u32::MAX];
        "uint64": "Echo.Uint64" [0_u64, 1 << 63, u64::MAX];
        "float32": "Echo.Float32" [0.0_f32, -1.5, 0.1, f32::MAX, f32::MIN_POSITIVE, f32::INFINITY];
        "float64": "Echo.Float64" [0.0_f64, 17.0, -0.1, f64::MAX, 5e-324, f64::NEG_INFINITY];
        "complex": "Echo.Complex128" [Complex::default(), Complex::new(1.5, -2.0), Complex::new(0.0, f64::INFINITY)];
        "complex64": "Echo.Complex64" [Complex::default(), Complex::new(1.5, -2.0)];
        "bool": "Echo.Bool" [true, false];
        "string": "Echo.String" [String::new(), "é ß 漢字 😀\0".to_owned(), "x".repeat(128), "y".repeat(1 << 20)];
        "string_not_utf8": "Echo.String" [Text(vec![0xff]), Text(all_bytes().0), Text::default()];
        "bytes": "Echo.Bytes" [Blob::default(), Blob::from(b"\0"), all_bytes()];
        "struct_of_all_basics": "Echo.Scalars" [Scalars::default(), scalars()];
        "ints": "Echo.Ints" [vec![], vec![0_i64], vec![1, 0, -1, i64::MAX, i64::MIN]];
        "int8s": "Echo.Int8s" [vec![i8::MIN, 0, i8::MAX]];
        "uint16s": "Echo.Uint16s" [vec![0_u16, 255, 256, u16::MAX]];
        "floats": "Echo.Floats" [vec![0.0, f64::INFINITY, 0.1]];
        "bools": "Echo.Bools" [vec![true, false, true]];
        "strings": "Echo.Strings" [vec![], texts([""]), texts(["a", "", "é"])];
        "byte_slices": "Echo.ByteSlices" [vec![], vec![Blob::default(), Blob::from(b"\0"), all_bytes()]];
        "structs": "Echo.Points" [vec![], vec![Point::default(), Point { x: 1, y: 0 }, Point { x: 0, y: -1 }]];
        "lists_of_lists": "Echo.Grid" [vec![], vec![vec![], vec![Point { x: 1, y: 2 }, Point::default()], vec![]]];
        "array": "Echo.Triple" [[0_i64; 3], [1, 0, i64::MIN]];
        "array_of_bytes": "Echo.Quad" [[0_u8; 4], [1, 0, 200, 255]];
        "struct_of_lists": "Echo.Lists" [Lists::default(), lists()];
        "struct_of_arrays": "Echo.Arrays" [Arrays::default(), arrays()];
        "map": "Echo.StringInts" [BTreeMap::new(), map::<String, _, 1>([("", 0_i64)]), map([("a", 1), ("é", -1)])];
        "map_with_int_keys": "Echo.IntStrings" [BTreeMap::from([(0_i64, "zero".to_owned()), (i64::MIN, String::new())])];
        "map_of_structs": "Echo.Inners" [map::<String, _, 2>([("", Inner::default()), ("a", inner("n", 3))])];
        "map_with_struct_keys": "Echo.PointStrings" [BTreeMap::from([(Point { x: 1, y: -1 }, "p".to_owned())])];
        "struct_of_maps": "Echo.Maps" [maps(), Maps::default()];
        "empty_struct": "Echo.Empty" [Empty {}];
        "struct": "Echo.Inner" [Inner::default(), inner("näme", i64::MIN), inner("", 1)];
        "nested": "Echo.Nested" [Nested::default(), nested()];
        "pointers": "Echo.Pointers" [Pointers::default(), pointers()];
        "embedded": "Echo.Embedded" [Embedded::default(), embedded()];
        "recursive_list": "Echo.Node" [Node::default(), Node::list(2), Node::list(60)];
        "recursive_tree": "Echo.Tree" [Tree::default(), Tree::of_depth(8, 0)];
        "recursive_map": "Echo.Dir" [Dir::default(), dir()];
        "mutually_recursive": "Echo.Ping" [Ping::default(), ping()];
        "struct_of_named": "Echo.Named" [Named::default(), named()];
        "named_strings": "Echo.Labels" [texts(["a", ""])];
        "named_map": "Echo.Table" [BTreeMap::new(), map::<String, _, 1>([("a", 1_i64)])];
        "list_of_itself": "Echo.Rose" [Rose::default(), rose()];
        "duration": "Echo.Duration" [0_i64, -3_600_000_000_000, i64::MIN];
        "time": "Echo.Time" [utc, east, west, seconds, zero];
        "struct_of_times": "Echo.Times" [times(), Times::default()];
        "gob_encoder": "Echo.Celsius" [GobEncoded(vec![0, 0]), GobEncoded(vec![0xff, 0xfb])];
        "binary_marshaler": "Echo.Version" [BinaryMarshaled(b"V\0\0".to_vec()), BinaryMarshaled(b"V\x01\xff".to_vec())];
        "big_int": "Echo.BigInt" [GobEncoded(vec![2]), GobEncoded(vec![3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])];
        "struct_of_opaques": "Echo.Opaques" [Opaques::default(), opaques()];
    }
    for value in held() {
        let name = format!("any {}", kind(Some(&value)));
        let mixed = Mixed {
            list: vec![Some(value.clone()), None],
            map: map([("v", Some(value.clone()))]),
            area: None,
        };
        cases
            .case(&name, async || {
                let client = server.dial().await?;
                echoes(&client, "Echo.Holder", &[Holder { v: Some(value) }]).await?;
                echoes(&client, "Echo.Mixed", &[mixed]).await
            })
            .await;
    }
    interfaces(cases, server).await;
    looks(cases, server).await;
}

async fn interfaces(cases: &mut Cases, server: &GoServer) {
    cases
        .case("any_nil", async || echoes(&server.dial().await?, "Echo.Holder", &[Holder::default()]).await)
        .await;
    cases
        .case("interface_with_a_method", async || {
            let area = |area| Mixed { area: Some(area), ..Mixed::default() };
            let areas = [area(Value::Square(Square { side: 2 })), area(Value::Circle(Circle { radius: 1 }))];
            echoes(&server.dial().await?, "Echo.Mixed", &areas).await
        })
        .await;
    cases
        .case("list_with_every_type", async || {
            let list = held().into_iter().map(Some).chain([None]).collect();
            echoes(&server.dial().await?, "Echo.Mixed", &[Mixed { list, ..Mixed::default() }]).await
        })
        .await;
    cases
        .case("any_at_the_top", async || {
            echoes(&server.dial().await?, "Echo.Any", &[Value::Int(5), Value::Square(Square { side: 3 })])
                .await
        })
        .await;
    cases
        .case("anys_at_the_top", async || {
            let list = vec![Some(Value::Int(1)), Some(Value::Square(Square { side: 1 })), None];
            echoes(&server.dial().await?, "Echo.Anys", &[list]).await
        })
        .await;
    cases
        .case("made_interfaces", async || {
            let client = server.dial().await?;
            for kind in [
                "nil", "int", "uint64", "float64", "bool", "string", "bytes", "time", "square", "circle",
                "list", "map",
            ] {
                gives(&client, "Make.Holder", &kind, &Holder { v: of_kind(kind) }).await?;
            }
            Ok(())
        })
        .await;
    cases
        .case("look_at_interfaces", async || {
            let client = server.dial().await?;
            for name in [
                "nil", "int", "uint64", "float64", "bool", "string", "bytes", "time", "square", "list", "map",
            ] {
                let v = of_kind(name);
                let said = kind(v.as_ref());
                gives(&client, "Look.Holder", &Holder { v }, &said).await?;
            }
            Ok(())
        })
        .await;
    cases
        .case("interfaces_as_any", async || {
            let client = server.dial().await?;
            for kind in ["nil", "int", "uint", "float", "bool", "string", "bytes", "time", "list"] {
                let any = AnyHolder { v: any_of_kind(kind) };
                gives(&client, "Make.Any", &kind, &any).await?;
                gives(&client, "Echo.Holder", &any, &any).await?;
            }
            // Go writes the members of a map in an order of its own.
            let map = AnyHolder { v: any_of_kind("map") };
            let made: AnyHolder = client.call("Make.Any", "map").await.map_err(|error| error.to_string())?;
            let echoed: AnyHolder =
                client.call("Echo.Holder", &map).await.map_err(|error| error.to_string())?;
            equal(in_order(made.v), in_order(any_of_kind("map")))?;
            equal(in_order(echoed.v), in_order(map.v))?;
            let square = rpcwrap::codecs::types::Named {
                name: "rpcwrap/interop/gobtypes.Square".to_owned(),
                is_struct: true,
                value: Any::Map(vec![("Side".into(), 4_i64.into())]),
            };
            let square = AnyHolder { v: Any::Named(Box::new(square)) };
            gives(&client, "Make.Holder", &"square", &square).await
        })
        .await;
    cases
        .case("any_as_the_type_that_is_there", async || {
            #[derive(Debug, PartialEq, serde::Deserialize)]
            #[serde(rename_all = "PascalCase")]
            struct Of<T> {
                v: T,
            }
            let client = server.dial().await?;
            gives(&client, "Make.Holder", &"square", &Of { v: Square { side: 4 } }).await?;
            gives(&client, "Make.Holder", &"int", &Of { v: -5_i64 }).await?;
            gives(&client, "Make.Holder", &"string", &Of { v: Some("text".to_owned()) }).await?;
            let misfit: Result<Of<String>, Error> = client.call("Make.Holder", "square").await;
            equal(matches!(misfit, Err(Error::Decode(_))), true)?;
            gives(&client, "Make.Holder", &"nil", &Of { v: None::<i64> }).await
        })
        .await;
}

async fn looks(cases: &mut Cases, server: &GoServer) {
    cases
        .case("look_at_floats", async || {
            let client = server.dial().await?;
            let payload = f64::from_bits(0x7ff8_dead_beef_0001);
            for float in [0.0, -0.0, 1.5, f64::NAN, payload, f64::INFINITY, f64::MAX, 5e-324] {
                gives(&client, "Look.Float", &float, &float.to_bits()).await?;
                let made: f64 = client.call("Make.Float", &float.to_bits()).await?;
                equal(made.to_bits(), float.to_bits())?;
            }
            Ok(())
        })
        .await;
    cases
        .case("look_at_complex_and_text", async || {
            let client = server.dial().await?;
            gives(&client, "Look.Complex", &Complex::new(1.5, -2.0), &[1.5, -2.0]).await?;
            gives(&client, "Make.Complex", &[1.5, -2.0], &Complex::new(1.5, -2.0)).await?;
            gives(&client, "Look.Text", &Text(all_bytes().0), &all_bytes()).await?;
            gives(&client, "Make.Text", &all_bytes(), &Text(all_bytes().0)).await
        })
        .await;
    cases
        .case("look_at_times", async || {
            let client = server.dial().await?;
            for at in some_times() {
                gives(&client, "Look.Time", &at, &moment(at)).await?;
                let made: Time = client.call("Make.Time", &moment(at)).await?;
                equal(moment(made), moment(at))?;
            }
            let odd = Moment { seconds: -5, nanos: 1, offset: -3600 };
            gives(&client, "Make.Time", &odd, &time(odd).unwrap()).await
        })
        .await;
    cases
        .case("look_at_trees_and_lists", async || {
            let client = server.dial().await?;
            let tree = Tree::of_depth(6, 0);
            gives(&client, "Look.Tree", &tree, &tree.shape()).await?;
            gives(&client, "Make.Tree", &6, &tree).await?;
            gives(&client, "Look.Node", &Node::list(5), &vec![5_i64, 4, 3, 2, 1]).await?;
            gives(&client, "Make.Node", &60, &Node::list(60)).await?;
            let lists = map::<String, _, 2>([("a", vec![1_i64, 2, 3]), ("b", vec![-5])]);
            gives(&client, "Look.Sum", &lists, &map::<String, _, 2>([("a", 6_i64), ("b", -5)])).await
        })
        .await;
    cases
        .case("pointer_to_zero_is_nil", async || {
            let client = server.dial().await?;
            let zeros = Pointers {
                i: Some(0),
                u: Some(0),
                b: Some(false),
                s: Some(String::new()),
                ..Pointers::default()
            };
            gives(&client, "Echo.Pointers", &zeros, &Pointers::default()).await?;
            let mut names: Vec<String> = client.call("Look.Pointers", &pointers()).await?;
            names.sort_unstable();
            equal(names, texts(["B", "By", "F", "I", "In", "L", "M", "S", "U"]))
        })
        .await;
    cases
        .case("none_is_no_argument_and_no_reply_of_gos", async || {
            let client = server.dial().await?;
            // Go's servers have no nil pointer for an argument: it is said before anything is sent.
            let refused: Result<i64, Error> = client.call("Echo.Int", &None::<i64>).await;
            equal(matches!(refused, Err(Error::Encode(_))), true)?;
            // Some is what it holds, and a reply that is there is one, also of zero.
            gives(&client, "Echo.Int", &Some(7_i64), &Some(7_i64)).await?;
            gives(&client, "Echo.Int", &Some(0_i64), &Some(0_i64)).await?;
            // A nil pointer in a field is none.
            gives(&client, "Echo.Pointers", &Some(Pointers::default()), &Some(Pointers::default())).await
        })
        .await;
    cases
        .case("type_that_no_value_shows", async || {
            let client = server.dial().await?;
            let refused: Result<Rose, Error> = client.call("Echo.Rose", &rose()).await;
            equal(matches!(refused, Err(Error::Encode(_))), true)?;
            let refused: Result<Vec<i64>, Error> = client.call("Echo.Ints", &Vec::<i64>::new()).await;
            equal(matches!(refused, Err(Error::Encode(_))), true)?;
            gives(&client, "Echo.Ints", &vec![1_i64], &vec![1_i64]).await
        })
        .await;
}

/// The same value with the members of a map in the order of their names.
fn in_order(any: Any) -> Any {
    match any {
        Any::Map(mut members) => {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Any::Map(members)
        }
        other => other,
    }
}
