//! The layers of the crate's source: modules import from below them only, and no format knows another.

#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The formats; what they share lies below them, the enums over all of them above.
const FORMATS: [&str; 6] = ["baidu_std", "bson", "gob", "json", "msgpack", "resp"];

/// For each module at the top of the source those that it names.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Every source file that is not for tests only: the names on its way from the top, and its code without comments.
fn sources() -> Vec<(Vec<String>, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.file_stem().unwrap().to_str().unwrap() {
                "tests" => {}
                _ if path.is_dir() => walk(&path, found),
                _ => found.push(path),
            }
        }
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&top, &mut files);
    let source = |file: PathBuf| {
        let path = file.strip_prefix(&top).unwrap().with_extension("");
        let names = path.iter().map(|name| name.to_str().unwrap().to_owned());
        let text = fs::read_to_string(&file).unwrap();
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = own.lines().filter(|line| !line.trim_start().starts_with("//"));
        (names.filter(|name| name != "mod").collect(), code.flat_map(|line| [line, "\n"]).collect())
    };
    files.into_iter().map(source).collect()
}

/// The first name of a path.
fn name(path: &str) -> &str {
    path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
}

/// The first names of what stands behind `crate::`: one, or those of a list in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            ',' | '}' if depth == 0 => {
                names.push(name(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The names a file at `depth` gets from the top of the crate.
fn from_the_top(code: &str, depth: usize) -> Vec<&str> {
    let above = "super::".repeat(depth);
    let mut names: Vec<&str> = code.split("crate::").skip(1).flat_map(first_names).collect();
    for (at, _) in code.match_indices(&above) {
        // Not where it goes on above the top, nor in the middle of more of the same.
        if !code[..at].ends_with("super::") {
            names.extend(first_names(&code[at + above.len()..]));
        }
    }
    names
}

fn imports() -> Imports {
    let sources = sources();
    let (_, lib) = sources.iter().find(|(path, _)| path == &["lib"]).unwrap();
    // What the crate hands on at its top belongs to the module it comes from.
    let exports: BTreeMap<&str, &str> = lib
        .split("pub use ")
        .skip(1)
        .flat_map(|export| {
            let (module, names) = export.split_once("::").unwrap();
            first_names(names).into_iter().map(move |name| (name, module))
        })
        .collect();
    let mut imports = Imports::new();
    for (path, code) in sources.iter().filter(|(path, _)| path != &["lib"]) {
        let own = imports.entry(path[0].clone()).or_default();
        for name in from_the_top(code, path.len()) {
            let module = *exports.get(name).unwrap_or(&name);
            if module != path[0] {
                own.insert(module.to_owned());
            }
        }
    }
    let modules: Vec<&String> = imports.keys().collect();
    for (module, named) in &imports {
        for name in named {
            assert!(modules.contains(&name), "{module} imports {name}, which is no module");
        }
    }
    imports
}

/// A way from `module` back to one that is on it already.
fn circle<'i>(imports: &'i Imports, module: &'i str, way: &mut Vec<&'i str>) -> Option<Vec<&'i str>> {
    if let Some(at) = way.iter().position(|passed| *passed == module) {
        return Some(way[at..].to_vec());
    }
    way.push(module);
    let found = imports[module].iter().find_map(|next| circle(imports, next, way));
    way.pop();
    found
}

#[test]
fn no_modules_import_one_another_in_a_circle() {
    let imports = imports();
    assert!(imports.len() > 10 && imports["any"].len() > 8, "{imports:?}");
    for module in imports.keys() {
        assert_eq!(circle(&imports, module, &mut Vec::new()), None);
    }
}

#[test]
fn no_format_knows_another_nor_what_is_above_them() {
    let imports = imports();
    for format in FORMATS {
        for other in FORMATS.iter().chain(&["any"]) {
            assert!(!imports[format].contains(*other), "{format} imports {other}");
        }
        assert!(imports["any"].contains(format));
    }
}

#[test]
fn imports_are_found_in_every_form() {
    for (code, depth, names) in [
        ("use crate::error::DecodeError;", 1, vec!["error"]),
        ("use crate::{error::{A, B}, json, message::Head};", 1, vec!["error", "json", "message"]),
        ("use crate::{\n    bson,\n    codec::{A, b::{C}},\n};", 2, vec!["bson", "codec"]),
        ("let x = crate::gob::y(crate::Head);", 2, vec!["gob", "Head"]),
        ("use super::{json::ser, gob};", 1, vec!["json", "gob"]),
        ("use super::json;", 2, vec![]),
        ("use super::super::json;", 2, vec!["json"]),
    ] {
        assert_eq!(from_the_top(code, depth), names, "{code}");
    }
    let around = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"])];
    let around =
        around.map(|(name, names)| (name.to_owned(), names.into_iter().map(str::to_owned).collect()));
    assert_eq!(circle(&around.into(), "a", &mut Vec::new()), Some(vec!["b", "c"]));
}
