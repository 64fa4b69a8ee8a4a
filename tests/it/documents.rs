//! The project's documents: what they name exists, and their links lead somewhere.

use crate::tidy::{files, root};
use std::{collections::BTreeSet, fs, path::Path};

const ARCHITECTURE: &str = "rpcwrap/docs/architecture.md";

/// Every document as its path from the top and its text; what tells where test data came from is none.
pub(crate) fn documents() -> Vec<(String, String)> {
    files(".md").into_iter().filter(|(path, _)| !path.ends_with("PROVENANCE.md")).collect()
}

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The cells of a table's row that are code, as `path`, `symbol`, and so on.
fn codes(row: &str) -> Vec<&str> {
    let cells = row.trim_matches('|').split(" | ").map(str::trim);
    cells.map(|cell| cell.trim_matches('|').trim().trim_matches('`')).collect()
}

#[test]
fn the_three_paths_name_functions_and_lines_that_exist() {
    let text = document(ARCHITECTURE);
    let section = text.split("\n## Three paths").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut paths = 0;
    for path in section.split("\n### ").skip(1) {
        let rows: Vec<_> = path.lines().filter(|line| line.starts_with("| `")).map(codes).collect();
        assert!(rows.len() >= 5, "{path}");
        for row in rows {
            let [file, symbol, step] = row[..] else { panic!("not file, symbol, step: {row:?}") };
            let source = document(file);
            let is_defined = [format!("fn {symbol}("), format!("fn {symbol}<")];
            assert!(is_defined.iter().any(|define| source.contains(define)), "no fn {symbol} in {file}");
            let bodies = is_defined.iter().flat_map(|define| source.split(define.as_str()).skip(1));
            let has_step = bodies.into_iter().any(|body| body.split("\n}").next().unwrap().contains(step));
            assert!(has_step, "no {step} behind fn {symbol} in {file}");
        }
        paths += 1;
    }
    assert_eq!(paths, 3);
}

#[test]
fn every_difference_from_the_originals_has_its_test() {
    let text = document("rpcwrap/docs/wire.md");
    let section = text.split("\n## Where it differs").nth(1).unwrap().split("\n## ").next().unwrap();
    let tests: Vec<_> = section.lines().filter(|line| line.ends_with("` |")).collect();
    assert!(tests.len() >= 15, "{section}");
    for row in tests {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let [file, test] = cell.split(' ').map(|code| code.trim_matches('`')).collect::<Vec<_>>()[..] else {
            panic!("not a file and a test: {cell}")
        };
        assert!(document(file).contains(&format!("fn {test}()")), "no {test} in {file}");
    }
}

#[test]
fn documents_name_files_that_exist() {
    const FOLDERS: [&str; 6] = [".ci/", "codecs/", "examples/", "rpcwrap/", "rpcwrap-client/", "tests/"];
    let mut named = 0;
    for (path, text) in documents() {
        let in_sentences = text.split('`').skip(1).step_by(2).filter(|name| !name.contains([' ', '\n']));
        let drawings = text.split("```text").skip(1).filter_map(|rest| rest.split("```").next());
        let in_drawings = drawings.flat_map(str::split_whitespace).filter(|name| name.contains("/src/"));
        for name in in_sentences.chain(in_drawings) {
            // What is to be filled in is in capitals.
            if FOLDERS.iter().any(|folder| name.starts_with(folder)) && !name.contains("NAME") {
                assert!(root().join(name).exists(), "{path}: {name}");
                named += 1;
            }
        }
    }
    assert!(named >= 100, "{named}");
}

/// The targets of a document's links, of those by reference too.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 0 {
            found.extend(part.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
            let references = part.lines().filter(|line| line.starts_with('['));
            found.extend(references.filter_map(|line| line.split("]: ").nth(1)));
        }
    }
    found
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().chars();
            let kept = kept.filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
        })
        .collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut count = 0;
    for (path, text) in documents() {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in links(&text) {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, at)| (file, Some(at)));
            let target = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            assert!(target.exists(), "{path}: {link}");
            if let Some(anchor) = anchor {
                let text = fs::read_to_string(&target).unwrap();
                assert!(anchors(&text).contains(anchor), "{path}: {link}");
            }
            count += 1;
        }
    }
    assert!(count >= 40, "{count}");
}

#[test]
fn the_readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 150, "README.md has {lines} lines");
}

#[test]
fn every_package_has_a_readme() {
    for (path, text) in files("Cargo.toml") {
        let is_library_or_program =
            !["Cargo.toml", "tests/Cargo.toml", "examples/Cargo.toml"].contains(&&*path);
        if is_library_or_program && !path.contains("fuzz") {
            assert!(text.contains("\nreadme = \"README.md\"\n"), "{path}");
            assert!(Path::new(&root()).join(&path).with_file_name("README.md").exists(), "{path}");
        }
    }
}
