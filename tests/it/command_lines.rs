//! Every command line that this project's documents and its server's `--help` print, taken from there and run.
//!
//! The lines run as they are, with four exceptions: `cargo run …` is the program it would build, a port is another one
//! if it is taken here, what measures only refuses a debug build, and what builds or tests everything is only looked
//! up. What `rpcwrap --help` prints is run by `rpcwrap-client/cli/tests/cli.rs`.

use crate::{
    documents::documents,
    program::{Program, built_folder, help},
    tidy::root,
};
use rpcwrap_tests::{LIMIT, certificates::Ca, within};
use std::{env, fs, net::TcpListener, path::Path, process::Output, time::Duration};
use tokio::{process::Command, sync::Mutex};

/// What a command line starts with.
const PROGRAMS: [&str; 7] = ["cargo ", "curl ", "printf ", "tests/", ".ci/", "rpcwrap ", "rpcwrapd "];
/// Documents with lines to be filled in first; `tests/it/examples.rs` runs every example.
const TEMPLATES: [&str; 1] = ["examples/README.md"];
/// What `cargo run` with these arguments starts.
const RUNS: [(&str, &str); 5] = [
    ("cargo run --release -p rpcwrap-cli -- ", "rpcwrap "),
    ("cargo run --release -p rpcwrap-tests --bin bench", "bench"),
    ("cargo run --release -p rpcwrap-tests --bin sniff_cost", "sniff_cost"),
    ("cargo run --release -p rpcwrap-tests --bin overload", "overload"),
    ("cargo run --release", "rpcwrapd"),
];

/// Whose turn it is with the port that the lines name.
static PORT: Mutex<()> = Mutex::const_new(());

fn is_free() -> bool {
    TcpListener::bind("127.0.0.1:7070").is_ok()
}

/// The command lines of a document: of its blocks for a shell or in no language, and what it calls by name in a
/// sentence.
fn lines_of(text: &str) -> Vec<String> {
    let is_command = |line: &&str| PROGRAMS.iter().any(|program| line.starts_with(program));
    let mut lines = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        match (index % 2, part.strip_prefix("sh\n").or_else(|| part.strip_prefix('\n'))) {
            (1, Some(block)) => lines.extend(block.lines().filter(is_command)),
            (0, _) => {
                lines.extend(part.split('`').skip(1).step_by(2).filter(|code| code.starts_with("cargo run ")))
            }
            _ => {}
        }
    }
    // A remark behind a command.
    lines.into_iter().map(|line| line.split("  # ").next().unwrap().trim_end().to_owned()).collect()
}

/// The same line with the program that cargo would run.
fn as_built(line: &str) -> String {
    let run =
        RUNS.iter().find_map(|(cargo, program)| Some(format!("{program}{}", line.strip_prefix(cargo)?)));
    run.map_or_else(|| line.to_owned(), |line| line.replace(" -- ", " "))
}

/// The same line for a server elsewhere.
fn at(line: &str, addr: &str) -> String {
    line.replace("127.0.0.1:7070", ":7070").replace(":7070", addr)
}

async fn shell(line: &str, limit: Duration) -> Output {
    let path = env::join_paths(
        [built_folder()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).env("PATH", path.unwrap()).current_dir(root()).kill_on_drop(true);
    within(limit, shell.output()).await.unwrap()
}

/// Whether a line names packages and files that exist: one that builds, installs or tests what this test is a part of.
fn names_what_exists(line: &str) -> bool {
    let manifest = |folder: &str| fs::read_to_string(root().join(folder).join("Cargo.toml"));
    let folders = [
        "codecs",
        "rpcwrap",
        "rpcwrap/macros",
        "rpcwrap/daemon",
        "rpcwrap-client",
        "rpcwrap-client/cli",
        "tests",
    ];
    let words: Vec<&str> = line.split(' ').collect();
    words.windows(2).all(|pair| match pair[0] {
        "-p" => {
            let name = format!("name = \"{}\"\n", pair[1]);
            folders.iter().any(|folder| manifest(folder).unwrap().contains(&name))
        }
        "--path" => manifest(pair[1]).is_ok_and(|text| text.contains("[package]")),
        _ => true,
    })
}

/// What a line has to print, by what it calls.
fn expected(line: &str) -> Box<dyn Fn(&str) -> bool> {
    match line {
        line if line.contains("/debug/status") => Box::new(|page| page.contains("Arith.Multiply")),
        line if line.contains("Count.Up") => Box::new(|stream| {
            let item = |n: u32| format!("{{\"id\":1,\"result\":{n},\"error\":null}}\n");
            (1..=3).all(|n| stream.contains(&item(n)))
        }),
        line if line.contains("/admin/") => {
            Box::new(|done| done.starts_with('{') && !done.contains("\"error\""))
        }
        line if line.starts_with("rpcwrap bench ") => Box::new(|report| report.contains(" done, 0 failed\n")),
        line if line.starts_with("rpcwrap list ") => Box::new(|names| names.contains("Arith.Multiply\n")),
        line if line.starts_with("rpcwrap describe ") => Box::new(|text| text.contains("Multiply")),
        line if line.ends_with("--check-config") => Box::new(|said| said == "ok\n"),
        line if line.contains("hash-password") => Box::new(|users| users.contains("$argon2id$")),
        line if line.contains("Multiply") => Box::new(|product| product == "56\n"),
        line => panic!("no test knows what {line:?} has to print"),
    }
}

#[tokio::test]
#[ignore = "needs bash and curl"]
async fn every_line_of_the_documents_runs_as_printed() {
    let _turn = PORT.lock().await;
    let is_free = is_free();
    // `cargo run --release`, the first line of the README, as it stands if that is possible.
    let server = if is_free { Program::daemon_with(&[]).await } else { Program::daemon(&[]).await };
    let addr = server.addr.to_string();
    assert_eq!(addr == "127.0.0.1:7070", is_free);
    // What the lines for admins need: a server that has one.
    let folder = env::temp_dir().join(format!("rpcwrap-it-lines-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let users = folder.join("users.json");
    fs::write(&users, r#"{"root": {"secrets": ["s3cret"], "admin": true}}"#).unwrap();
    let with_admin = Program::daemon(&["--auth-credentials", users.to_str().unwrap()]).await;
    let read = documents().into_iter().filter(|(path, _)| !TEMPLATES.contains(&&**path));
    let lines: Vec<String> = read.flat_map(|(_, text)| lines_of(&text)).collect();
    let mut kinds = [0; 4];
    for line in &lines {
        let built = as_built(line);
        if built == "rpcwrapd" {
            kinds[0] += 1;
        } else if ["tests/run", ".ci/run"].contains(&&*built) {
            // It runs this.
            let syntax = shell(&format!("bash -n {built} && test -x {built}"), LIMIT).await;
            assert!(syntax.status.success(), "{syntax:?}");
            kinds[1] += 1;
        } else if ["cargo install ", "cargo test "].iter().any(|start| built.starts_with(start)) {
            assert!(names_what_exists(&built), "{line}");
            kinds[1] += 1;
        } else if built == "sniff_cost" {
            // It measures by valgrind in a release build; here it makes a call as valgrind would have it do.
            let called = shell(&format!("{built} json 1 1"), 3 * LIMIT).await;
            assert!(called.status.success(), "{line}: {called:?}");
            kinds[2] += 1;
        } else if built.starts_with("bench") || built == "overload" {
            if !built_folder().ends_with("release") {
                let refused = shell(&built, LIMIT).await;
                let said = String::from_utf8(refused.stderr).unwrap();
                assert!(said.contains("only a release build measures anything"), "{line}: {said}");
            }
            kinds[2] += 1;
        } else {
            let is_admins = built.contains("/admin/");
            let line = at(&built, &if is_admins { with_admin.addr.to_string() } else { addr.clone() });
            let output = shell(&line, 3 * LIMIT).await;
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(expected(&built)(&printed), "{line}: {output:?}");
            // curl ends a connection that stays open by its own time limit, as the line says.
            assert!(output.status.success() || line.contains("-sNm1"), "{line}: {output:?}");
            kinds[3] += 1;
        }
    }
    // Had a document another form, its lines would not be found.
    assert!(kinds[0] >= 1 && kinds[1] >= 2 && kinds[2] >= 4 && kinds[3] >= 12, "{kinds:?} of {lines:#?}");
    assert!(lines.iter().any(|line| line == "tests/run"), "{lines:#?}");
    server.interrupt().await;
    with_admin.interrupt().await;
    fs::remove_dir_all(folder).unwrap();
}

/// The examples behind `rpcwrapd --help`, each until it listens.
#[tokio::test]
async fn every_example_of_the_servers_help_starts() {
    let _turn = PORT.lock().await;
    let folder = env::temp_dir().join(format!("rpcwrap-it-examples-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("users.json"), r#"{"ala":["ma kota"]}"#).unwrap();
    let certified = Ca::new().server();
    fs::write(folder.join("cert.pem"), &certified.certificate).unwrap();
    fs::write(folder.join("key.pem"), &certified.key).unwrap();
    fs::copy(root().join("rpcwrap/daemon/rpcwrapd.toml"), folder.join("rpcwrapd.toml")).unwrap();
    let text = help("rpcwrapd").await;
    let examples: Vec<&str> =
        text.split("\nExamples:\n").nth(1).unwrap().lines().map(|line| line.trim_start()).collect();
    assert!(examples.len() >= 3, "{text}");
    for example in examples {
        let mut words: Vec<String> = example.split(' ').map(|word| here(word, &folder)).collect();
        assert_eq!(words.remove(0), "rpcwrapd", "{example}");
        // Where the example leaves the port to the settings, it is theirs or any that is free.
        if !example.contains(" --listen ") && !is_free() {
            words.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let server = Program::daemon_with(&words).await;
        server.interrupt().await;
    }
    fs::remove_dir_all(folder).unwrap();
}

/// A word of an example with its files in `folder` and a free port.
fn here(word: &str, folder: &Path) -> String {
    match word {
        "users.json" | "rpcwrapd.toml" | "cert.pem" | "key.pem" => {
            folder.join(word).to_str().unwrap().to_owned()
        }
        "/run/rpcwrapd.sock" => folder.join("rpcwrapd.sock").to_str().unwrap().to_owned(),
        "0.0.0.0:7070" => "0.0.0.0:0".to_owned(),
        "127.0.0.1:7071" => "127.0.0.1:0".to_owned(),
        word => word.to_owned(),
    }
}
