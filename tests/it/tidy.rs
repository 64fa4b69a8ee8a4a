//! The shape of the project itself: what no compiler checks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The project's top folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the project as its path from the top and its text; what is built or hidden is not part of it.
pub(crate) fn files(ending: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with('.') && name != ".ci" || ["target", "node_modules"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                walk(&path, ending, found);
            } else if name.ends_with(ending)
                && let Ok(text) = fs::read_to_string(&path)
            {
                let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), ending, &mut found);
    assert!(!found.is_empty());
    found
}

/// Lines of code that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn every_source_file_says_what_it_is() {
    for (path, text) in files(".rs") {
        assert!(text.starts_with("//!"), "{path} starts with {:?}", text.lines().next());
    }
}

#[test]
fn no_source_file_is_too_long() {
    for (path, text) in files(".rs") {
        // Tests and their tables may be long.
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
        let lines = own.lines().count();
        assert!(is_test || lines <= 600, "{path} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_to_do() {
    // Put together here, so that this file does not contain them.
    for word in [["TO", "DO"].concat(), ["FIX", "ME"].concat()] {
        for (path, text) in files("") {
            assert!(path == "Cargo.lock" || !text.contains(&word), "{path} contains {word}");
        }
    }
    for (path, text) in files(".rs") {
        for stub in [["to", "do!("].concat(), ["un", "implemented!("].concat()] {
            assert!(!text.contains(&stub), "{path} contains {stub}");
        }
    }
}

#[test]
fn two_calls_are_unsafe() {
    // Put together here, so that this file does not contain it.
    let word = ["un", "safe"].concat();
    for (path, text) in files(".rs") {
        let words = code(&text).flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        let found = words.filter(|&found| found == word).count();
        let allowed = if path == "rpcwrap/daemon/src/memory.rs" { 2 } else { 0 };
        assert_eq!(found, allowed, "{path}");
    }
}

/// The tables of a manifest whose names start like that, line by line.
fn tables<'a>(manifest: &'a str, start: &str) -> Vec<&'a str> {
    let found = manifest.split("\n[").filter_map(|table| table.strip_prefix(start));
    // Between tables are blank lines and comments on the next.
    found.flat_map(str::lines).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn every_package_has_the_lints_of_the_workspace() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let forbids = "unsafe_code = \"forbid\"";
    assert!(workspace.contains(forbids));
    for (path, text) in files("Cargo.toml") {
        match &*path {
            "Cargo.toml" | "codecs/fuzz/Cargo.toml" => {}
            // What is forbidden could not be allowed for two calls.
            "rpcwrap/daemon/Cargo.toml" => {
                let workspace = workspace.replace(forbids, "unsafe_code = \"deny\"");
                assert_eq!(tables(&text, "lints."), tables(&workspace, "workspace.lints."), "{path}");
            }
            _ => assert!(text.contains("\n[lints]\nworkspace = true\n"), "{path}"),
        }
    }
}

#[test]
fn codecs_do_no_io() {
    let manifest = fs::read_to_string(root().join("codecs/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for name in ["tokio", "hyper", "socket2", "mio", "async-std"] {
        let named = dependencies
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=', '-'])));
        assert!(!named, "codecs depends on {name}");
    }
    for (path, text) in files(".rs").into_iter().filter(|(path, _)| path.starts_with("codecs/src/")) {
        let own = text.split("#[cfg(test)]").next().unwrap();
        for what in ["std::net", "std::fs", "std::thread", "Instant::now", "SystemTime::now"] {
            let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
            assert!(is_test || !code(own).any(|line| line.contains(what)), "{path} uses {what}");
        }
    }
}

#[test]
fn protocols_do_not_know_one_another() {
    let folder = "rpcwrap/src/protocol/";
    let protocols: Vec<String> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "mod")
        .collect();
    assert!(protocols.len() >= 2);
    for (path, text) in files(".rs") {
        let Some(inside) = path.strip_prefix(folder) else { continue };
        for other in protocols.iter().filter(|name| !inside.starts_with(&***name) && inside != "mod.rs") {
            let import =
                [format!("protocol::{other}"), format!("super::{other}"), format!("super::super::{other}")];
            for line in code(&text) {
                assert!(!import.iter().any(|import| line.contains(import)), "{path}: {line}");
            }
        }
    }
}

#[test]
fn protocols_reach_handlers_by_dispatch_only() {
    for (path, text) in files(".rs").into_iter().filter(|(path, _)| path.starts_with("rpcwrap/src/protocol/"))
    {
        if path == "rpcwrap/src/protocol/mod.rs" {
            continue;
        }
        for line in code(&text) {
            for module in ["crate::server", "crate::handler", "crate::sniff::"] {
                assert!(!line.contains(module), "{path}: {line}");
            }
        }
    }
}

#[test]
fn nothing_is_done_within_a_log_line() {
    // bRPC's redis wrote its replies within a macro that is empty below some level of the log.
    for (path, text) in files(".rs") {
        let text: String = code(&text).flat_map(|line| [line, "\n"]).collect();
        for start in
            ["tracing::error!(", "tracing::warn!(", "tracing::info!(", "tracing::debug!(", "debug_assert"]
        {
            for macro_call in text.split(start).skip(1) {
                let inside = macro_call.split(");").next().unwrap_or_default();
                assert!(!inside.contains(".await") && !inside.contains("poll_"), "{path}: {start}{inside}");
            }
        }
    }
}

#[test]
fn hyper_is_named_under_protocol_http_only() {
    for (path, text) in files(".rs") {
        let library = path.starts_with("rpcwrap/src/") || path.starts_with("codecs/");
        if !library || path.starts_with("rpcwrap/src/protocol/http/") {
            continue;
        }
        for line in code(&text) {
            assert!(!line.contains("hyper::") && !line.contains("hyper_util::"), "{path}: {line}");
        }
    }
}

#[test]
fn examples_are_short_and_listed() {
    let index = fs::read_to_string(root().join("examples/README.md")).unwrap();
    let manifest = fs::read_to_string(root().join("examples/Cargo.toml")).unwrap();
    let names: Vec<&str> = manifest
        .split("[[example]]")
        .skip(1)
        .map(|part| part.split("name = \"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert!(names.len() >= 6);
    for name in &names {
        assert!(index.contains(&format!("[{name}](")), "{name} is not in examples/README.md");
        assert!(include_str!("examples.rs").contains(&format!("\"{name}\"")), "{name} is not run by a test");
    }
    for (path, text) in files(".rs").into_iter().filter(|(path, _)| path.starts_with("examples/")) {
        assert!(text.lines().count() <= 200, "{path} has {} lines", text.lines().count());
        let name = path["examples/".len()..].trim_end_matches(".rs").split('/').next().unwrap();
        assert!(names.contains(&name), "{path} belongs to no example");
    }
}

#[test]
fn the_top_folder_holds_what_it_should() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "rpcwrap",
        "rpcwrap-client",
        "codecs",
        "examples",
        "tests",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&&*name), "{name} in the top folder");
    }
}

/// A program that calls one server with JSON should not build the types of BSON or three compressions.
#[test]
fn a_client_of_json_alone_builds_few_crates() {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["tree", "--package", "rpcwrap-client", "--no-default-features", "--edges", "normal"]);
    cargo.args(["--prefix", "none", "--no-dedupe", "--locked"]).current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let crates: std::collections::BTreeSet<_> =
        text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!((20..=60).contains(&crates.len()), "{} crates: {crates:#?}", crates.len());
    for heavy in ["bitvec", "bson", "flate2", "rand", "uuid"] {
        assert!(!crates.iter().any(|one| one.split(' ').next() == Some(heavy)), "{heavy}: {crates:#?}");
    }
}
