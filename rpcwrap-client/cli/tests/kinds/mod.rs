//! Every command against every kind of server: each ends by itself, with the exit code that is documented and a text
//! that names the cause.

#![allow(clippy::unwrap_used, reason = "test code outside of test functions")]

use crate::support::{Demo, rpcwrap};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
/// A fatal alert of TLS 1.2: unexpected_message.
const ALERT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x0a";
/// No command may take longer where nothing answers; `--connect-timeout` is 2 s.
const LIMIT: Duration = Duration::from_secs(25);

/// As Go's `rpc.HandleHTTP`: gob on its path, pages beside it.
fn go_gob(first: &[u8]) -> Passage {
    match first {
        [b'G', ..] => Passage::Pass,
        first if first.starts_with(b"CONNECT /_goRPC_ ") => Passage::Pass,
        _ => Passage::Answer(NOT_FOUND),
    }
}

/// As vitess' server, which has BSON alone.
fn vitess(first: &[u8]) -> Passage {
    if first.starts_with(b"CONNECT /_bson_rpc_ ") { Passage::Pass } else { Passage::Answer(NOT_FOUND) }
}

/// As Go's `rpc.ServeConn`: what is no gob announces more bytes than ever come.
fn raw_gob(first: &[u8]) -> Passage {
    match first {
        // It announces more bytes than a CONNECT has, but not than a GET.
        first if first.starts_with(b"GET /") => Passage::Answer(b""),
        first if first.starts_with(b"CONNECT ") => Passage::Silence,
        [0x7b..=0xff, ..] => Passage::Silence,
        _ => Passage::Pass,
    }
}

/// As Go's `jsonrpc.ServeConn`, which closes at what is no JSON.
fn raw_json(first: &[u8]) -> Passage {
    if first.starts_with(b"{") { Passage::Pass } else { Passage::Answer(b"") }
}

/// As `net-rpc-msgpackrpc`.
fn raw_msgpack(first: &[u8]) -> Passage {
    if matches!(first, [0x80..=0x8f, ..]) { Passage::Pass } else { Passage::Answer(b"") }
}

fn tls(first: &[u8]) -> Passage {
    if first.starts_with(b"\x16") { Passage::Pass } else { Passage::Answer(ALERT) }
}

fn tls_that_closes(first: &[u8]) -> Passage {
    if first.starts_with(b"\x16") { Passage::Pass } else { Passage::Answer(b"") }
}

fn silent(_: &[u8]) -> Passage {
    Passage::Silence
}

fn ssh(_: &[u8]) -> Passage {
    Passage::Answer(b"SSH-2.0-OpenSSH_9.6\r\n")
}

fn web(_: &[u8]) -> Passage {
    Passage::Answer(b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n")
}

const COMMANDS: [&[&str]; 7] = [
    &["call", "ADDR", "Arith.Multiply", r#"{"A":7,"B":8}"#],
    &["list", "ADDR"],
    &["describe", "ADDR", "Arith.Multiply"],
    &["ping", "ADDR", "-c", "1"],
    &["watch", "ADDR", "Arith.Multiply", r#"{"A":7,"B":8}"#, "-n", "1"],
    &["bench", "ADDR", "Arith.Multiply", r#"{"A":7,"B":8}"#, "-n", "2"],
    &["top", "ADDR", "-n", "1", "-i", "10ms"],
];

/// Runs all commands; `rpc` is how those end that call, `page` how the one does that reads a page.
fn check(kind: &str, addr: &str, flags: &[&str], rpc: (i32, &str), page: (i32, &str)) {
    for command in COMMANDS {
        let args: Vec<&str> = command.iter().map(|word| if *word == "ADDR" { addr } else { *word }).collect();
        let began = Instant::now();
        let ended = rpcwrap(&[&args[..], &["-o", "json", "--connect-timeout", "2s"], flags].concat());
        let (code, text) = if command[0] == "top" { page } else { rpc };
        let shown = format!("{kind}: {args:?}: {} {}", ended.code, ended.stderr);
        assert_eq!(ended.code, code, "{shown}");
        assert!(began.elapsed() < LIMIT, "{shown}");
        if code == 0 {
            assert_eq!(ended.stderr, "", "{shown}");
            assert!(serde_json::from_str::<serde_json::Value>(&ended.stdout).is_ok(), "{shown}");
        } else {
            assert_eq!(ended.stdout, "", "{shown}");
            assert!(ended.stderr.contains(text), "{shown}");
        }
        if command[0] == "call" && code == 0 {
            assert_eq!(ended.stdout, "56\n", "{shown}");
        }
    }
}

const DONE: (i32, &str) = (0, "");

#[test]
fn servers_that_speak_go_rpc_are_called_without_a_flag() {
    let demo = Demo::start();
    check("ours", &demo.addr, &[], DONE, DONE);
    check("Go's gob", &front(&demo.addr, go_gob), &[], DONE, DONE);
    check("vitess", &front(&demo.addr, vitess), &[], DONE, (66, "404 Not Found"));
    let closed = (52, "closed without an answer");
    check("raw gob", &front(&demo.addr, raw_gob), &[], DONE, closed);
    check("raw json", &front(&demo.addr, raw_json), &[], DONE, closed);
    check("raw msgpack", &front(&demo.addr, raw_msgpack), &[], DONE, closed);
    // The flags that say what would be found out.
    let raw = front(&demo.addr, raw_gob);
    check("raw gob", &raw, &["--codec", "gob", "--no-connect"], DONE, closed);
    check("raw gob", &raw, &["--codec", "gob"], DONE, closed);
}

#[test]
fn another_codec_than_the_servers_is_named() {
    let demo = Demo::start();
    let go = front(&demo.addr, go_gob);
    let call = |addr: &str, flags: &[&str]| {
        let ended = rpcwrap(&[&["call", addr, "Arith.Multiply", "{}"], flags].concat());
        (ended.code, ended.stderr)
    };
    let (code, said) = call(&go, &["--codec", "bson"]);
    assert_eq!(
        (code, said.as_str()),
        (66, "rpcwrap: unexpected HTTP response: 404 Not Found; the server answers with --codec gob\n")
    );
    let (code, said) = call(&front(&demo.addr, raw_gob), &["--codec", "json"]);
    assert!(code == 66 && said.ends_with("the server answers with --codec gob --no-connect\n"), "{said}");
}

#[test]
fn servers_that_do_not_are_told_apart() {
    let demo = Demo::start();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let dead = (7, "rpcwrap: cannot connect to 127.0.0.1:");
    check("dead", &closed, &[], dead, dead);
    check(
        "silent",
        &front("", silent),
        &[],
        (28, "no answer to CONNECT"),
        (28, "no answer to GET /debug/vars"),
    );
    check("ssh", &front("", ssh), &[], (66, "is no Go-RPC server"), (66, "the answer is no HTTP"));
    check("web", &front("", web), &[], (66, "405 Not Allowed"), (66, "405 Not Allowed"));
    let wants_tls = (35, "the server speaks TLS");
    check("tls", &front(&demo.addr, tls), &[], wants_tls, wants_tls);
    let ca = demo.dir.path.join("server.pem").display().to_string();
    check("tls", &front(&demo.addr, tls), &["--tls", "--cacert", &ca], DONE, DONE);
    let ended = rpcwrap(&["call", &front(&demo.addr, tls_that_closes), "A.B"]);
    assert!(
        ended.code == 35 && ended.stderr.contains("the server speaks TLS: try --tls"),
        "{}",
        ended.stderr
    );
    let no_tls = (35, "does not speak TLS");
    check("no tls", &front("", ssh), &["--tls", "--cacert", &ca], no_tls, no_tls);
}

/// What a [`front`] does with a connection.
#[derive(Clone, Copy)]
enum Passage {
    /// Passes it on.
    Pass,
    /// Answers so, and closes.
    Answer(&'static [u8]),
    /// Reads on and never answers.
    Silence,
}

/// A port in front of `to`; the first bytes of a connection decide what becomes of it.
fn front(to: &str, decide: fn(&[u8]) -> Passage) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let to = to.to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, to) = (client.unwrap(), to.clone());
            // A client that has gone wants nothing more.
            thread::spawn(move || pass(client, &to, decide));
        }
    });
    addr
}

fn pass(mut client: TcpStream, to: &str, decide: fn(&[u8]) -> Passage) -> io::Result<()> {
    client.set_read_timeout(Some(LIMIT))?;
    let mut first = [0; 64];
    let read = client.peek(&mut first)?;
    match decide(&first[..read]) {
        Passage::Pass => {
            let mut server = TcpStream::connect(to)?;
            let (mut from, mut back) = (client.try_clone()?, server.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut server);
                server.shutdown(Shutdown::Write)
            });
            io::copy(&mut back, &mut client)?;
            client.shutdown(Shutdown::Both)
        }
        Passage::Answer(bytes) => {
            client.write_all(bytes)?;
            client.shutdown(Shutdown::Write)?;
            // Closed with bytes unread, the answer would be lost.
            client.read_to_end(&mut Vec::new()).map(drop)
        }
        Passage::Silence => client.read_to_end(&mut Vec::new()).map(drop),
    }
}
