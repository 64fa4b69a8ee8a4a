//! Type names of Rust and Go, as far as they say what JSON an argument is.

use serde_json::{Value, json};

/// JSON of the shape `name` says, and the names within it that say no shape, such as those of structs.
///
/// `Vec<Args>` and `[]main.Args` are lists for any `Args`; a struct's members are unknown, so it is `{}`.
pub(crate) fn skeleton(name: &str) -> (Value, Option<&str>) {
    let name = bare(name);
    if let Some(value) = scalar(name) {
        return (value, None);
    }
    if let Some(inner) = inside(name, &["Option", "Box", "Arc", "Rc"]) {
        return skeleton(inner);
    }
    let is_list =
        name.starts_with('[') || inside(name, &["Vec", "VecDeque", "HashSet", "BTreeSet"]).is_some();
    if is_list {
        return (json!([]), None);
    }
    if name.starts_with("map[") || inside(name, &["HashMap", "BTreeMap"]).is_some() {
        return (json!({}), None);
    }
    (json!({}), Some(name))
}

/// Without references and pointers.
fn bare(name: &str) -> &str {
    name.trim().trim_start_matches(['&', '*'])
}

fn inside<'a>(name: &'a str, generics: &[&str]) -> Option<&'a str> {
    let (outer, rest) = name.split_once('<')?;
    generics.contains(&outer).then(|| rest.strip_suffix('>'))?
}

fn scalar(name: &str) -> Option<Value> {
    Some(match name {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            json!(0)
        }
        "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8" | "uint16" | "uint32" | "uint64" => {
            json!(0)
        }
        "f32" | "f64" | "float32" | "float64" => json!(0.0),
        "bool" => json!(false),
        "str" | "String" | "string" | "char" | "Text" | "Blob" | "[]uint8" | "[]byte" => json!(""),
        "time.Time" | "Time" => json!("1970-01-01T00:00:00Z"),
        "()" | "IgnoredAny" | "Any" | "Value" | "interface {}" | "any" | "struct {}" => Value::Null,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (name, json, unknown) in [
            ("i64", "0", None),
            ("*int", "0", None),
            ("&str", "\"\"", None),
            ("Option<u32>", "0", None),
            ("Box<Option<Args>>", "{}", Some("Args")),
            ("Vec<Args>", "[]", None),
            ("[]string", "[]", None),
            ("[]uint8", "\"\"", None),
            ("map[string]int", "{}", None),
            ("HashMap<String, u8>", "{}", None),
            ("*main.Args", "{}", Some("main.Args")),
            ("Any", "null", None),
            ("*interface {}", "null", None),
            ("f64", "0.0", None),
        ] {
            let (value, left) = skeleton(name);
            assert_eq!((value.to_string().as_str(), left), (json, unknown), "{name}");
        }
    }
}
