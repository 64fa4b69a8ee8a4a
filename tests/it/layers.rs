//! Which file of a crate imports which, read out of its sources, and the circles among them.
//!
//! What is compiled for tests only does not count.

use crate::tidy::root;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// One file's use of something in another file of its crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    /// Paths from the crate's `src` on, such as `session/mod.rs`.
    pub(crate) from: String,
    pub(crate) to: String,
    /// What is imported, from the crate's root on.
    pub(crate) path: String,
}

/// A path from the crate's root on: of a module, or of something in one.
type ModulePath = Vec<String>;

/// Every import within the crate whose sources are in this folder, counted from the top of the project; by `use` or
/// by a path in the code, in macros too. Where a name is imported again from elsewhere, from there.
pub(crate) fn imports(src: &str) -> Vec<Import> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{name}/"), found);
            } else if name.ends_with(".rs") {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(src), "", &mut files);
    assert!(!files.is_empty(), "{src}");
    imports_of(&files)
}

/// The circles among the modules of one parent: each of them imports the next, or something below it does.
///
/// Modules on the way from a module to its own children do not count: a parent and its children are one.
pub(crate) fn circles(imports: &[Import]) -> Vec<Vec<String>> {
    let mut next: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
    for Import { from, to, .. } in imports {
        let (from, to) = (module_of(from), module_of(to));
        let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
        if from.len() > common && to.len() > common {
            next.entry(from[..=common].to_vec()).or_default().insert(to[..=common].to_vec());
        }
    }
    let reached = |start: &ModulePath| {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<_> = next.get(start).into_iter().flatten().collect();
        while let Some(module) = waiting.pop() {
            if reached.insert(module.clone()) {
                waiting.extend(next.get(module).into_iter().flatten());
            }
        }
        reached
    };
    let all: BTreeMap<_, _> = next.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &ModulePath| {
        let other_way = |other: &&ModulePath| all.get(other).is_some_and(|reached| reached.contains(module));
        all[module].iter().filter(other_way).map(|module| module.join("::")).collect::<Vec<_>>()
    };
    let circles: BTreeSet<_> = next.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    circles.into_iter().collect()
}

/// The module a file holds.
fn module_of(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if ["lib", "main", "mod"].contains(&path) {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

fn imports_of(files: &[(String, String)]) -> Vec<Import> {
    let mut read = Read::default();
    for (file, text) in files {
        read.file = file.clone();
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        read.tokens(tokens, &module_of(file));
    }
    let is_test = |module: &ModulePath| read.tests.iter().any(|test| module.starts_with(test));
    let modules: BTreeMap<ModulePath, &str> = files
        .iter()
        .map(|(file, _)| (module_of(file), file.as_str()))
        .filter(|(module, _)| !is_test(module))
        .collect();
    let mut found = BTreeSet::new();
    for (from, path) in &read.paths {
        let to = target(path, &modules, &read.names);
        if let Some(to) = to.filter(|to| to != from && !is_test(&module_of(from))) {
            found.insert(Import { from: from.clone(), to: to.to_owned(), path: path.join("::") });
        }
    }
    found.into_iter().collect()
}

/// The file in which a path ends.
fn target<'m>(
    path: &[String],
    modules: &BTreeMap<ModulePath, &'m str>,
    names: &BTreeMap<ModulePath, ModulePath>,
) -> Option<&'m str> {
    let mut path = path.to_vec();
    // Names that are imported from one another in a circle do not compile.
    for _ in 0..16 {
        let len = (0..=path.len()).rev().find(|&len| modules.contains_key(&path[..len]))?;
        let name = path.get(..=len).and_then(|name| names.get(name));
        match name.filter(|real| !path.starts_with(real)) {
            Some(real) => path.splice(..=len, real.iter().cloned()),
            None => return Some(modules[&path[..len]]),
        };
    }
    None
}

/// What the files say.
#[derive(Default)]
struct Read {
    /// The one being read.
    file: String,
    /// In which file something within the crate is named, and what.
    paths: Vec<(String, ModulePath)>,
    /// Names that modules import, and what they mean.
    names: BTreeMap<ModulePath, ModulePath>,
    /// Modules that are compiled for tests only.
    tests: Vec<ModulePath>,
}

impl Read {
    fn tokens(&mut self, tokens: TokenStream, module: &ModulePath) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = &tokens[..];
        while let Some((first, behind)) = rest.split_first() {
            rest = match first {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(behind) => {
                    self.skip_item(behind, module)
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), module);
                    behind
                }
                // Who may see it is no import.
                TokenTree::Ident(word) if word == "pub" => match behind {
                    [TokenTree::Group(group), behind @ ..] if group.delimiter() == Delimiter::Parenthesis => {
                        behind
                    }
                    behind => behind,
                },
                TokenTree::Ident(word) if word == "mod" => self.inline_module(behind, module),
                // Not that of captured lifetimes.
                TokenTree::Ident(word)
                    if word == "use" && !behind.first().is_some_and(|t| is_punct(t, '<')) =>
                {
                    let end = behind.iter().position(|token| is_punct(token, ';')).unwrap_or(behind.len());
                    self.use_tree(&behind[..end], &[], module);
                    &behind[end..]
                }
                TokenTree::Ident(_) => self.path(rest, module),
                _ => behind,
            };
        }
    }

    /// Goes on behind the item an attribute stands before.
    fn skip_item<'t>(&mut self, tokens: &'t [TokenTree], module: &ModulePath) -> &'t [TokenTree] {
        if let Some(at) = tokens.iter().position(|token| is_word(token, "mod"))
            && let [TokenTree::Ident(name), token, ..] = &tokens[at + 1..]
            && is_punct(token, ';')
        {
            self.tests.push(joined(module, &[name.to_string()]));
        }
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            token => is_punct(token, ';'),
        };
        let end = tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1);
        &tokens[end..]
    }

    fn inline_module<'t>(&mut self, tokens: &'t [TokenTree], module: &ModulePath) -> &'t [TokenTree] {
        if let [TokenTree::Ident(name), TokenTree::Group(group), rest @ ..] = tokens {
            self.tokens(group.stream(), &joined(module, &[name.to_string()]));
            return rest;
        }
        tokens
    }

    /// The paths of one `use`, or of one branch of it.
    fn use_tree(&mut self, tokens: &[TokenTree], prefix: &[String], module: &ModulePath) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => name = tokens.next().map(ToString::to_string),
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Group(group) => {
                    let tokens: Vec<_> = group.stream().into_iter().collect();
                    for branch in tokens.split(|token| is_punct(token, ',')) {
                        if !branch.is_empty() {
                            self.use_tree(branch, &path, module);
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
        let Some(name) = name.or_else(|| path.last().cloned()) else { return };
        let path = from_root(&path, module);
        self.names.insert(joined(module, &[name]), path.clone());
        self.paths.push((self.file.clone(), path));
    }

    /// A path in the code, if it begins with a word for a module.
    fn path<'t>(&mut self, tokens: &'t [TokenTree], module: &ModulePath) -> &'t [TokenTree] {
        let mut path = vec![tokens[0].to_string()];
        let mut rest = &tokens[1..];
        while let [colon, second, TokenTree::Ident(word), behind @ ..] = rest
            && is_punct(colon, ':')
            && is_punct(second, ':')
        {
            path.push(word.to_string());
            rest = behind;
        }
        if path.len() > 1 && ["crate", "self", "super"].contains(&path[0].as_str()) {
            self.paths.push((self.file.clone(), from_root(&path, module)));
        }
        rest
    }
}

/// A path as written in `module`; one of another crate begins with a name the root does not have.
fn from_root(path: &[String], module: &ModulePath) -> ModulePath {
    let mut base = module.clone();
    let mut rest = path;
    if let Some((first, behind)) = path.split_first()
        && first == "crate"
    {
        (base, rest) = (Vec::new(), behind);
    }
    while let Some((first, behind)) = rest.split_first()
        && ["self", "super"].contains(&first.as_str())
    {
        if first == "super" {
            base.pop();
        }
        rest = behind;
    }
    joined(&base, rest)
}

fn joined(module: &[String], rest: &[String]) -> ModulePath {
    [module, rest].concat()
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_word(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == wanted)
}

/// Whether these tokens begin with the rest of `#[cfg(test)]`.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = tokens.first() else { return false };
    let text: String = group.to_string().split_whitespace().collect();
    text == "[cfg(test)]" || text.starts_with("[cfg(all(test,")
}

#[test]
fn modules_do_not_import_one_another_in_a_circle() {
    for src in ["rpcwrap-client/src", "rpcwrap-client/cli/src"] {
        let imports = imports(src);
        assert!(imports.len() > 20, "{src}: {imports:?}");
        let circles = circles(&imports);
        let is_in_one = |file: &str| {
            let module = format!("{}::", module_of(file).join("::"));
            circles.iter().flatten().any(|member| module.starts_with(&format!("{member}::")))
        };
        let within = imports.iter().filter(|import| is_in_one(&import.from) && is_in_one(&import.to));
        let lines: Vec<_> =
            within.map(|Import { from, to, path }| format!("{from} → {to}: {path}")).collect();
        assert!(circles.is_empty(), "{src}: {circles:?} by\n{}", lines.join("\n"));
    }
}

/// The layers of the server library, the highest first. A folder, or a file beside them, imports only from those below.
const SERVER: [&str; 14] = [
    "server", "conn", "protocol", "pages", "admin", "session", "call", "method", "io", "live", "peer",
    "auth", "error", "lock",
];

#[test]
fn layers_of_the_server_import_only_from_those_below() {
    let imports = imports("rpcwrap/src");
    assert!(imports.len() > 100, "{imports:?}");
    let layer = |file: &str| {
        let name = file.split(['/', '.']).next().unwrap().to_owned();
        SERVER.iter().position(|known| *known == name).unwrap_or_else(|| panic!("{file} is in no layer"))
    };
    for Import { from, to, path } in imports.iter().filter(|import| import.from != "lib.rs") {
        assert!(layer(to) >= layer(from), "{from} imports {path} from a layer above its own");
    }
}

/// The imports of a crate of these files, as `from → to`.
fn read(files: &[(&str, &str)]) -> Vec<Import> {
    let owned: Vec<_> = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    imports_of(&owned)
}

#[test]
fn imports_are_found_however_they_are_written() {
    const FILES: [(&str, &str); 4] = [
        ("lib.rs", "mod a; mod b; pub use a::deep::Thing as Renamed;"),
        ("a/mod.rs", "pub mod deep; pub(crate) use self::deep::*;"),
        ("a/deep.rs", "pub struct Thing;"),
        ("b.rs", ""),
    ];
    for (text, found) in [
        ("use crate::b;", "b.rs"),
        ("use crate::{b as other, b};", "b.rs"),
        ("use crate::{b::{self, X}};", "b.rs"),
        ("pub(in crate::a) use super::super::b::X;", "b.rs"),
        ("fn f() -> crate::b::X { X }", "b.rs"),
        ("fn f() { println!(\"{}\", super::b::x()); }", "b.rs"),
        ("macro_rules! m { () => { $crate::b::x() } }", "b.rs"),
        ("mod inner { use super::super::b; }", "b.rs"),
        ("mod inner { use super::X; }", ""),
        ("#[cfg(unix)] use crate::b;", "b.rs"),
        // What stands in the root is from elsewhere.
        ("use crate::Renamed;", "a/deep.rs"),
        ("use crate::Other;", "lib.rs"),
        ("use crate::a::X;", "a/mod.rs"),
        ("use tokio::b; use b::X; pub(crate) fn f() {} // crate::b::X", ""),
        ("/// As [`crate::b::X`].\nconst S: &str = \"crate::b::X\";", ""),
        ("#[cfg(test)] use crate::b;", ""),
        ("#[cfg(test)] mod tests { use crate::b; }", ""),
        ("#[cfg(test)] fn f(a: A, b: crate::b::X) { crate::b::x() } fn g() {}", ""),
    ] {
        let mut files = FILES.to_vec();
        files.push(("c.rs", text));
        let imports = read(&files);
        let to: BTreeSet<&str> =
            imports.iter().filter(|import| import.from == "c.rs").map(|import| &*import.to).collect();
        assert_eq!(to.into_iter().collect::<Vec<_>>().join(" "), found, "{text}");
    }
}

#[test]
fn files_for_tests_do_not_count() {
    let mod_rs = "#[cfg(test)]\nmod tests;\nmod x;";
    let imports =
        read(&[("lib.rs", ""), ("a/mod.rs", mod_rs), ("a/tests.rs", "use crate::b;"), ("b.rs", "")]);
    assert_eq!(imports, []);
}

#[test]
fn circles_are_those_among_the_modules_of_one_parent() {
    let found = |imports: &[(&str, &str)]| {
        let import = |(from, to): &(&str, &str)| Import {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            path: String::new(),
        };
        circles(&imports.iter().map(import).collect::<Vec<_>>())
    };
    let none: Vec<Vec<String>> = Vec::new();
    assert_eq!(found(&[("a.rs", "b.rs"), ("b.rs", "c.rs"), ("a.rs", "c.rs")]), none);
    // A parent and its children are one.
    assert_eq!(found(&[("a/mod.rs", "a/x.rs"), ("a/x.rs", "a/mod.rs"), ("lib.rs", "a/x.rs")]), none);
    assert_eq!(
        found(&[("a.rs", "b.rs"), ("b.rs", "c.rs"), ("c.rs", "a.rs"), ("d.rs", "a.rs")]),
        [["a", "b", "c"]]
    );
    assert_eq!(found(&[("a/x.rs", "b/mod.rs"), ("b/y.rs", "a/z.rs")]), [["a", "b"]]);
    assert_eq!(found(&[("a/x.rs", "a/y/z.rs"), ("a/y/mod.rs", "a/x.rs")]), [["a::x", "a::y"]]);
}
