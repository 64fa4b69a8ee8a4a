//! The program from outside: what it prints where, and how it ends.

mod kinds;
mod support;

use serde_json::{Value, json};
use std::net::TcpListener;
use support::{Demo, Step, by_first_byte, rpcwrap, rpcwrap_with, scripted_server, shell};

const CONNECT: Step = Step::Expect("\n\n");
const CONNECTED: Step = Step::Send("HTTP/1.0 200 Connected to Go RPC\n\n");
/// The end of a request with id 0 in JSON.
const REQUEST: Step = Step::Expect("\n");

/// stdout of a command that has to succeed and to say nothing on stderr.
fn printed(args: &[&str]) -> String {
    let ended = rpcwrap(args);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
    ended.stdout
}

#[test]
fn replies_are_json_on_stdout_in_every_codec() {
    let demo = Demo::start();
    for codec in ["json", "bson", "msgpack"] {
        for (method, argument, reply) in [
            ("Arith.Multiply", r#"{"A":7,"B":8}"#, "56\n"),
            ("Arith.Divide", r#"{"A":7,"B":2}"#, "{\"Quo\":3,\"Rem\":1}\n"),
            (
                "Echo.Any",
                r#"{"z":[1,"x",null,1.5,true],"a":{}}"#,
                "{\"z\":[1,\"x\",null,1.5,true],\"a\":{}}\n",
            ),
            ("Echo.Any", "9223372036854775807", "9223372036854775807\n"),
            ("Echo.Any", "-1.5", "-1.5\n"),
            ("Echo.Any", r#"{"k":["zażółć","a\tb"]}"#, "{\"k\":[\"zażółć\",\"a\\tb\"]}\n"),
        ] {
            let shown = printed(&["call", &demo.addr, method, argument, "--codec", codec]);
            assert_eq!(shown, reply, "{codec} {method} {argument}");
        }
        let items = printed(&["call", &demo.addr, "Count.Up", r#"{"To":3}"#, "--stream", "--codec", codec]);
        assert_eq!(items, "1\n2\n3\n", "{codec}");
    }
    // Gob's types are made of the JSON, so that lists are of one type.
    for (method, argument, reply) in [
        ("Arith.Multiply", r#"{"A":7,"B":8}"#, "56\n"),
        ("Arith.Divide", r#"{"A":7,"B":2}"#, "{\"Quo\":3,\"Rem\":1}\n"),
        (
            "Echo.Any",
            r#"{"k":["zażółć","a\tb"],"n":{"f":1.5},"l":[1,2]}"#,
            "{\"k\":[\"zażółć\",\"a\\tb\"],\"n\":{\"f\":1.5},\"l\":[1,2]}\n",
        ),
        ("Echo.Any", "9223372036854775807", "9223372036854775807\n"),
        ("Echo.Any", "-7", "-7\n"),
        ("Echo.Any", "[1,2.5]", "[1.0,2.5]\n"),
    ] {
        let shown = printed(&["call", &demo.addr, method, argument, "--codec", "gob"]);
        assert_eq!(shown, reply, "gob {method} {argument}");
    }
    let items = printed(&["call", &demo.addr, "Count.Up", r#"{"To":3}"#, "--stream", "--codec", "gob"]);
    assert_eq!(items, "1\n2\n3\n");
    let empty = rpcwrap(&["call", &demo.addr, "Echo.Any", "[]", "--codec", "gob"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (1, ""), "{}", empty.stderr);
}

#[test]
fn arguments_from_the_line_files_and_stdin() {
    let demo = Demo::start();
    let file = format!("@{}", demo.dir.file("args.json", "{\"A\":2,\"B\":3}\n{\"A\":4,\"B\":5}"));
    let call = ["call", &demo.addr, "Arith.Multiply"];
    for (rest, stdin, replies) in [
        (&[r#"{"A":7,"B":8}"#][..], "", "56\n"),
        (&["-d", r#"{"A":7,"B":8}"#], "", "56\n"),
        (&[r#"{"A":1,"B":2}{"A":3,"B":4}"#], "", "2\n12\n"),
        (&[&file], "", "6\n20\n"),
        (&["-"], "{\"A\":1,\"B\":2}\n\n{\"A\":3,\"B\":4}\n", "2\n12\n"),
        (&["-"], "", ""),
        (&[], "", "0\n"),
    ] {
        let ended = rpcwrap_with(&[&call[..], rest].concat(), stdin, &[]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, replies, ""), "{rest:?}");
    }
    let ended = rpcwrap_with(
        &["call", &demo.addr, "Arith.Divide", "-"],
        "{\"A\":4,\"B\":2} {\"A\":4,\"B\":0} {\"A\":4,\"B\":1}",
        &[],
    );
    assert_eq!((ended.code, ended.stdout.as_str()), (65, "{\"Quo\":2,\"Rem\":0}\n"));
    assert_eq!(ended.stderr, "rpcwrap: value 2: remote error: divide by zero\n");
}

#[test]
fn forms_of_output() {
    let demo = Demo::start();
    let echo = |argument, format| printed(&["call", &demo.addr, "Echo.Any", argument, "-o", format]);
    assert_eq!(echo("\"a\\nb\"", "raw"), "a\nb\n");
    assert_eq!(echo("\"a\\nb\"", "json"), "\"a\\nb\"\n");
    assert_eq!(echo(r#"[{"A":1,"B":"x"},{"B":"y"}]"#, "table"), "A  B\n1  x\n   y\n");
    assert_eq!(echo(r#"{"A":1}"#, "table"), "A  1\n");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let demo = Demo::start();
    let describe = ["describe", &demo.addr, "Arith"];
    for (flags, env, coloured) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[], true),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let ended = rpcwrap_with(&[&describe[..], flags].concat(), "", env);
        assert_eq!(ended.code, 0);
        assert_eq!(ended.stdout.contains('\x1b'), coloured, "{flags:?} {env:?}");
    }
}

#[test]
fn logs_in_with_the_secret_of_a_file() {
    let demo = Demo::start();
    let good = demo.dir.file("good", "ma kota\n");
    let bad = demo.dir.file("bad", "ma psa\n");
    let who = |rest: &[&str]| rpcwrap(&[&["call", &demo.addr, "Echo.Who", "-o", "raw"][..], rest].concat());
    assert_eq!(who(&[]).stdout, "anonymous\n");
    for codec in ["json", "bson", "gob", "msgpack"] {
        let ended = who(&["--user", "ala", "--password-file", &good, "--codec", codec]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "ala\n"), "{}", ended.stderr);
    }
    let refused = who(&["--user", "ala", "--password-file", &bad]);
    assert_eq!((refused.code, refused.stdout.as_str()), (65, ""));
    assert!(refused.stderr.starts_with("rpcwrap: login failed: "), "{}", refused.stderr);
    assert_eq!(who(&["--user", "ala"]).code, 1);
    assert_eq!(who(&["--password-file", &good]).code, 1);
}

#[test]
fn the_wire_is_shown_on_stderr() {
    let demo = Demo::start();
    let call = ["call", &demo.addr, "Echo.Any", "\"hi\""];
    let ended = rpcwrap(&[&call[..], &["-v"]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "\"hi\"\n"));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[0], format!("* connected to {}", demo.addr));
    assert_eq!(
        lines[1..3],
        ["> 30 bytes", "> 0000  43 4f 4e 4e 45 43 54 20 2f 5f 6a 73 6f 6e 5f 72  CONNECT /_json_r",]
    );
    assert!(lines.contains(&"< 34 bytes"), "{}", ended.stderr);
    assert!(lines.iter().any(|line| line.starts_with("< 0000") && line.contains("{\"id\":0,\"resul")));
    assert!(!ended.stderr.contains("first byte"));

    let ended = rpcwrap(&[&call[..], &["-vv", "--codec", "bson"]].concat());
    for phase in ["* resolve ", ", connect ", ", CONNECT ", "* first byte ", ", call ", ", total "] {
        assert!(ended.stderr.contains(phase), "{phase} in {}", ended.stderr);
    }
}

#[test]
fn tls_with_the_flags_of_curl() {
    let demo = Demo::start();
    let [ca, key] = ["server.pem", "server.key"].map(|name| demo.dir.path.join(name).display().to_string());
    let unix = format!("unix:{}", demo.unix.display());
    let tls = |addr: &str, rest: &[&str]| {
        let call = ["call", addr, "Arith.Multiply", "{\"A\":7,\"B\":8}", "--tls"];
        rpcwrap(&[&call[..], rest].concat())
    };
    for (addr, rest) in [
        (demo.addr.as_str(), &["--cacert", &ca][..]),
        (&demo.addr, &["--cacert", &ca, "--servername", "rpc.example", "--codec", "bson"]),
        (&demo.addr, &["--cacert", &ca, "--cert", &ca, "--key", &key]),
        (&demo.addr, &["--tls-insecure"]),
        (&unix, &["--cacert", &ca]),
    ] {
        let ended = tls(addr, rest);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "56\n"), "{rest:?}: {}", ended.stderr);
    }
    // What is traced is what is said, not what is sent.
    let traced = tls(&demo.addr, &["--cacert", &ca, "-vv"]).stderr;
    assert!(traced.contains(", TLS ") && traced.contains("CONNECT /_json_r"), "{traced}");
    for command in [
        &["list", &demo.addr][..],
        &["ping", &demo.addr, "-c", "1"],
        &["top", &demo.addr, "-n", "1"],
        &["bench", &demo.addr, "Arith.Multiply", "{\"A\":7,\"B\":8}", "-n", "10"],
    ] {
        let ended = rpcwrap(&[command, &["--tls", "--cacert", &ca]].concat());
        assert_eq!(ended.code, 0, "{command:?}: {}", ended.stderr);
        assert!(!ended.stdout.is_empty(), "{command:?}");
    }
}

#[test]
fn exit_35_and_60_no_tls_and_no_trust() {
    let demo = Demo::start();
    let ca = demo.dir.path.join("server.pem").display().to_string();
    let call = |addr: &str, rest: &[&str]| {
        let args = [&["call", addr, "A.B", "--tls"][..], rest].concat();
        let ended = rpcwrap(&args);
        (ended.code, ended.stderr)
    };
    let text = |why: &str| format!("rpcwrap: no TLS with {}: {why}\n", demo.addr);
    let name = ["--cacert", &ca, "--servername", "db.example"];
    assert_eq!(call(&demo.addr, &name), (60, text("the server's certificate is not for db.example")));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_key = demo.dir.file("other.key", &other.signing_key.serialize_pem());
    let other = demo.dir.file("other.pem", &other.cert.pem());
    let (code, said) = call(&demo.addr, &["--cacert", &other]);
    assert!(code == 60 && said.contains("not signed by a CA we trust"), "{said}");
    // The server's verdict on our certificate comes behind the handshake.
    let (code, said) = call(&demo.addr, &["--cacert", &ca, "--cert", &other, "--key", &other_key]);
    assert!(code == 35 && said.contains("the server refused: "), "{said}");
    static PLAIN: [Step; 2] = [Step::Send("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Wait];
    let plain = scripted_server(&PLAIN);
    let (code, said) = call(&plain, &["--cacert", &ca]);
    assert_eq!((code, said), (35, format!("rpcwrap: no TLS with {plain}: the server does not speak TLS\n")));
    static SILENT: [Step; 1] = [Step::Wait];
    assert_eq!(call(&scripted_server(&SILENT), &["--cacert", &ca, "--connect-timeout", "50ms"]).0, 28);
    // Flags that mean nothing, or not what they seem to.
    for rest in [&["--cert", "a"][..], &["--key", "a"], &["--tls-insecure", "--cacert", "a"]] {
        fails(1, &[&["call", &demo.addr, "A.B", "--tls"], rest].concat());
    }
    fails(1, &["call", &demo.addr, "A.B", "--cacert", &ca]);
    fails(1, &["call", &demo.addr, "A.B", "--tls", "--cacert", "/no/such/file"]);
}

#[test]
fn lists_and_describes_our_servers() {
    let demo = Demo::start();
    let names = "Arith.Divide\nArith.Multiply\nCount.Up\nCount.Wide\nEcho.Any\nEcho.Floats\nEcho.Who\nFail.With\nSleep.For\n";
    for codec in ["json", "bson", "gob", "msgpack"] {
        assert_eq!(printed(&["list", &demo.addr, "--codec", codec]), names);
        let described = printed(&["describe", &demo.addr, "Arith.Multiply", "-o", "json", "--codec", codec]);
        let wanted = json!([{"name": "Arith", "doc": "Sums.", "methods": [{
            "name": "Multiply", "args": "Args", "reply": "i64", "streaming": false, "idempotent": true,
            "doc": "A * B", "template": "{\"A\":0,\"B\":0}",
        }]}]);
        assert_eq!(serde_json::from_str::<Value>(&described).unwrap(), wanted);
    }
    let table = printed(&["list", &format!("unix:{}", demo.unix.display()), "-o", "table"]);
    assert!(table.contains("Count.Up        Args      stream of u64"), "{table}");
    let text = printed(&["describe", &demo.addr, "Arith"]);
    assert_eq!(
        text,
        "Arith\n  Sums.\n  Divide(Args) Quotient\n  Multiply(Args) i64  (idempotent)\n      A * B\n"
    );
    let floats = printed(&["describe", &demo.addr, "Echo.Floats"]);
    assert!(
        floats.contains("  Floats(Any) []float64  (read-only)") || floats.ends_with("  (read-only)\n"),
        "{floats}"
    );
    let floats = printed(&["describe", &demo.addr, "Echo.Floats", "-o", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&floats).unwrap()[0]["methods"][0]["read_only"], true);
    assert_eq!(rpcwrap(&["describe", &demo.addr, "Arith.Nope"]).code, 65);
}

#[test]
fn templates_have_every_member() {
    let demo = Demo::start();
    assert_eq!(printed(&["describe", &demo.addr, "Sleep.For", "--template"]), "0\n");
    assert_eq!(printed(&["describe", &demo.addr, "Arith.Divide", "--template"]), "{\"A\":0,\"B\":0}\n");
    assert_eq!(rpcwrap(&["describe", &demo.addr, "Arith", "--template"]).code, 1);
    assert_eq!(rpcwrap(&["describe", &demo.addr, "--template"]).code, 1);
}

/// A Go server answers CONNECT of our paths with 404 and has the page.
#[test]
fn lists_gos_servers_by_their_page() {
    const PAGE: &str = concat!("HTTP/1.0 200 OK\r\n\r\n", include_str!("../testdata/go_debug_rpc.html"));
    static GO: [Step; 2] = [Step::Expect("GET /debug/rpc HTTP/1.0\r\n"), Step::Send(PAGE)];
    static NEITHER: [Step; 2] =
        [Step::Expect("\n\r\n"), Step::Send("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")];
    static GOB_ONLY: [Step; 2] =
        [Step::Expect("\n\n"), Step::Send("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")];
    let refusal = scripted_server(&GOB_ONLY);
    let addr = by_first_byte(&scripted_server(&GO), &refusal);
    let names = "Arith.Divide\nArith.Multiply\nEcho.Any\nEcho.Inline\n";
    assert_eq!(printed(&["list", &addr]), names);
    assert_eq!(printed(&["describe", &addr, "Arith.Multiply"]), "Arith\n  Multiply(*main.Args) *int\n");
    let ended = rpcwrap(&["list", &by_first_byte(&scripted_server(&NEITHER), &refusal), "-o", "json"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (66, ""));
    assert!(
        ended.stderr.contains("unexpected HTTP response: 404 Not Found; GET /debug/rpc: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn pings_any_server() {
    let demo = Demo::start();
    let summary = printed(&["ping", &demo.addr, "-c", "3", "-i", "1ms", "-o", "json"]);
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["calls"], 3);
    let least = summary["min_us"].as_f64().unwrap();
    let most = summary["max_us"].as_f64().unwrap();
    assert!(0.0 < least && least <= summary["avg_us"].as_f64().unwrap() && least <= most, "{summary}");
    let text = printed(&["ping", &demo.addr, "-c", "2", "-i", "1ms"]);
    assert!(text.contains("connected in ") && text.contains("all: 2 calls, min "), "{text}");

    static UNKNOWN: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":null,\"error\":\"rpc: can't find service _rpcwrap_.Ping\"}\n"),
        Step::Wait,
    ];
    let go = printed(&["ping", &scripted_server(&UNKNOWN), "-c", "1", "-o", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&go).unwrap()["calls"], 1);
}

#[test]
fn watches_what_changes() {
    let demo = Demo::start();
    let same = printed(&["watch", &demo.addr, "Echo.Any", "{\"n\":1}", "-n", "3", "-i", "1ms"]);
    assert_eq!(same, "{\"n\":1}\n");
    static STEPS: [Step; 8] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":1,\"error\":null}\n"),
        REQUEST,
        Step::Send("{\"id\":1,\"result\":null,\"error\":\"no\"}\n"),
        REQUEST,
        Step::Send("{\"id\":2,\"result\":2,\"error\":null}\n"),
    ];
    let ended = rpcwrap(&["watch", &scripted_server(&STEPS), "A.B", "-n", "3", "-i", "1ms"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1\n2\n"), "{}", ended.stderr);
    assert_eq!(ended.stderr, "rpcwrap: remote error: no\n");
}

#[test]
fn shows_what_a_server_does() {
    let demo = Demo::start();
    printed(&["call", &demo.addr, "Arith.Multiply", "{\"A\":1,\"B\":1} {\"A\":1,\"B\":1}"]);
    let frames = printed(&["top", &demo.addr, "-n", "2", "-i", "10ms", "-o", "json"]);
    let frames: Vec<Value> = frames.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(frames.len(), 2);
    let multiply =
        frames[1].as_array().unwrap().iter().find(|row| row["method"] == "Arith.Multiply").unwrap();
    assert_eq!((&multiply["calls"], &multiply["in_flight"]), (&json!(2), &json!(0)));
    let table = printed(&["top", &demo.addr, "-n", "1", "-i", "10ms"]);
    assert!(table.starts_with("METHOD ") && !table.contains('\x1b'), "{table}");
}

/// Runs a command that fails; checks its exit code, and that stdout holds nothing but JSON.
fn fails(code: i32, args: &[&str]) -> String {
    let ended = rpcwrap(&[args, &["-o", "json"]].concat());
    assert_eq!(ended.code, code, "{args:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{args:?}");
    assert!(!ended.stderr.is_empty(), "{args:?}");
    ended.stderr
}

#[test]
fn exit_1_wrong_usage() {
    let demo = Demo::start();
    fails(1, &["nope"]);
    fails(1, &["call"]);
    fails(1, &["call", "no-port", "A.B"]);
    fails(1, &["call", &demo.addr, "A.B", "--max-time", "soon"]);
    fails(1, &["call", &demo.addr, "A.B", "{\"A\":"]);
    fails(1, &["call", &demo.addr, "A.B", "@/no/such/file"]);
    fails(1, &["call", &demo.addr, "A.B", "--user", "ala", "--password-file", "/no/such/file"]);
    fails(1, &["man", "nope"]);
}

#[test]
fn exit_7_cannot_connect() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for command in [&["call", &closed, "A.B"][..], &["list", &closed], &["ping", &closed], &["top", &closed]]
    {
        let text = fails(7, command);
        assert!(text.starts_with(&format!("rpcwrap: cannot connect to {closed}: ")), "{text}");
    }
    fails(7, &["call", "unix:/no/such/socket", "A.B"]);
}

#[test]
fn exit_28_out_of_time() {
    let demo = Demo::start();
    let text = fails(28, &["call", &demo.addr, "Sleep.For", "60000", "--max-time", "50ms"]);
    assert_eq!(text, "rpcwrap: not done within 50 ms\n");
    static SILENT: [Step; 1] = [Step::Wait];
    let silent = scripted_server(&SILENT);
    let text = fails(28, &["call", &silent, "A.B", "--connect-timeout", "50ms"]);
    let cause = format!("rpcwrap: no connection to {silent} within 50 ms: no answer to CONNECT; ");
    assert!(text.starts_with(&cause), "{text}");
    fails(28, &["list", &silent, "--max-time", "50ms"]);
    fails(28, &["top", &silent, "--connect-timeout", "50ms"]);
}

#[test]
fn exit_52_closed_without_an_answer() {
    static AT_ONCE: [Step; 1] = [CONNECT];
    static IN_CALL: [Step; 3] = [CONNECT, CONNECTED, REQUEST];
    fails(52, &["call", &scripted_server(&AT_ONCE), "A.B"]);
    let text = fails(52, &["call", &scripted_server(&IN_CALL), "A.B"]);
    assert_eq!(text, "rpcwrap: connection lost: unexpected EOF\n");
    static IN_PAGE: [Step; 1] = [Step::Expect("\r\n\r\n")];
    fails(52, &["top", &scripted_server(&IN_PAGE)]);
}

#[test]
fn exit_65_the_server_says_no() {
    let demo = Demo::start();
    for codec in ["json", "bson", "gob", "msgpack"] {
        let no = |args: &[&str]| fails(65, &[&["call", &demo.addr], args, &["--codec", codec]].concat());
        assert_eq!(no(&["Arith.Divide", "{}"]), "rpcwrap: remote error: divide by zero\n");
        assert_eq!(no(&["Fail.With"]), "rpcwrap: remote error: no such account (code not_found)\n");
        assert!(no(&["No.Such"]).contains("rpc: can't find service No.Such"));
    }
}

#[test]
fn exit_66_no_go_rpc() {
    static NOT_FOUND: [Step; 2] = [CONNECT, Step::Send("HTTP/1.0 404 Not Found\r\n\r\n")];
    static SSH: [Step; 1] = [Step::Send("SSH-2.0-OpenSSH_9.6\r\n")];
    static GARBAGE: [Step; 4] = [CONNECT, CONNECTED, REQUEST, Step::Send("<html>\n")];
    let text = fails(66, &["call", &scripted_server(&NOT_FOUND), "A.B"]);
    assert!(text.starts_with("rpcwrap: unexpected HTTP response: 404 Not Found; "), "{text}");
    assert!(text.contains(" is no Go-RPC server, or serves it elsewhere"), "{text}");
    fails(66, &["call", &scripted_server(&SSH), "A.B"]);
    fails(66, &["call", &scripted_server(&GARBAGE), "A.B"]);
}

#[test]
fn exit_67_draining_or_overloaded() {
    static FULL: [Step; 2] = [CONNECT, Step::Send("HTTP/1.1 503 Service Unavailable\r\n\r\n")];
    static DRAINING: [Step; 4] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":null,\"error\":\"rpc: server is draining\"}\n"),
    ];
    static BUSY: [Step; 4] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send(
            "{\"id\":0,\"result\":null,\"error\":\"rpc: server overloaded: A.B already has 4 calls in flight\"}\n",
        ),
    ];
    for steps in [&FULL[..], &DRAINING, &BUSY] {
        fails(67, &["call", &scripted_server(steps), "A.B"]);
    }
}

#[test]
fn completions_and_manual_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("describe") && script.contains("connect-timeout"), "{shell}");
    }
    assert!(printed(&["man"]).contains(".TH rpcwrap 1"));
    assert!(printed(&["man", "call"]).contains(".TH rpcwrap-call 1"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let demo = Demo::start();
    let line = format!("rpcwrap call {} Count.Up '{{\"To\":100000}}' --stream | head -n 1", demo.addr);
    let ended = shell(&line, &demo.dir);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("1\n", ""));
}

/// More than any buffer holds waits in the server until the CLI's output is read, which is after a second.
#[test]
fn a_slow_reader_of_a_stream_slows_the_server_down() {
    let demo = Demo::start();
    let call = format!("rpcwrap call {} Count.Wide '{{\"To\":1600}}' --stream -o raw", demo.addr);
    let ended = shell(&format!("{call} | (sleep 1; wc -c)"), &demo.dir);
    assert_eq!((ended.stdout.trim(), ended.stderr.as_str()), ("104857600", ""));
}

#[test]
fn an_interrupted_ping_still_says_what_it_saw() {
    let demo = Demo::start();
    let line = format!("rpcwrap ping {} -i 1ms -o json -vv", demo.addr);
    let ended = shell(&interrupted(&line, "err", "first byte"), &demo.dir);
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(ended.code == 0 && summary["calls"].as_u64().unwrap() > 0, "{summary} {}", ended.stderr);
}

/// A line of shell that runs `line` and interrupts it when it has written `words` to its `out` or `err`.
fn interrupted(line: &str, stream: &str, words: &str) -> String {
    format!(
        "{line} >out 2>err & id=$!; until grep -q '{words}' {stream} || ! kill -0 $id; do sleep 0.01; done; \
        kill -s INT $id; wait $id; code=$?; cat out; cat err >&2; exit $code"
    )
}

/// Commands that serve until Ctrl-C; their examples are ended when they have said where they listen.
const SERVES: [&str; 1] = ["rpcwrap proxy "];

#[test]
fn every_example_in_the_help_runs_as_printed() {
    let demo = Demo::start();
    demo.dir.file("args.json", "{\"A\":7,\"B\":8}");
    demo.dir.file("secret.txt", "ma kota\n");
    let main = printed(&["--help"]);
    let commands = main.split("\nCommands:\n").nth(1).unwrap().lines();
    let commands: Vec<String> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned))
        .filter(|name| !name.is_empty() && name != "help")
        .collect();
    assert!(commands.len() >= 8, "{commands:?}");
    let mut helps = vec![main];
    helps.extend(commands.iter().map(|name| printed(&[name, "--help"])));
    for help in &helps {
        let examples = help.split("\nExamples:\n").nth(1).unwrap_or_else(|| panic!("examples in {help}"));
        let examples: Vec<&str> = examples.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert!(!examples.is_empty(), "{help}");
        for example in examples {
            let line = example
                .replace("127.0.0.1:7070", ":7070")
                .replace(":7070", &demo.addr)
                .replace(":7071", "127.0.0.1:0")
                .replace("/run/rpcwrapd.sock", demo.unix.to_str().unwrap());
            let line = if SERVES.iter().any(|serves| line.starts_with(serves)) {
                interrupted(&line, "out", ".")
            } else {
                line
            };
            let ended = shell(&line, &demo.dir);
            assert_eq!(ended.code, 0, "{example}: {}", ended.stderr);
            assert!(!ended.stdout.is_empty(), "{example}");
        }
    }
}

/// A server that answers the first call with these words.
fn answering(steps: &'static [Step]) -> String {
    scripted_server(steps)
}

#[test]
fn errors_of_servers_that_are_not_gos_are_shown() {
    static OBJECT: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":null,\"error\":{\"code\":1,\"message\":\"out of paper\"}}\n"),
        Step::Wait,
    ];
    let text = fails(65, &["call", &answering(&OBJECT), "A.B"]);
    assert_eq!(text, "rpcwrap: remote error: out of paper (code 1)\n");
    static NO_ID: [Step; 4] =
        [CONNECT, CONNECTED, REQUEST, Step::Send("{\"id\":null,\"error\":\"out of order\"}\n")];
    let text = fails(66, &["call", &answering(&NO_ID), "A.B"]);
    assert!(text.contains("error that belongs to no call: out of order"), "{text}");
}

/// Whatever an error is, in each form of output: exit code 65, nothing on stdout, one line without orders on stderr.
#[test]
fn errors_that_are_no_texts_are_one_line_in_each_form_of_output() {
    for (error, shown) in [
        ("7", "7"),
        ("-1.5", "-1.5"),
        ("18446744073709551615", "18446744073709551615"),
        ("true", "true"),
        ("[1,null]", "[1,null]"),
        ("{}", "{}"),
        (r#"{"why":"x"}"#, r#"{"why":"x"}"#),
        (r#"{"message":5}"#, r#"{"message":5}"#),
        (r#"{"message":"m","code":"E1","data":[1]}"#, "m (code E1)"),
        (
            r#"{"code":-32601,"message":"no\u001b]0;x\u0007 such"}"#,
            "no\u{fffd}]0;x\u{fffd} such (code -32601)",
        ),
    ] {
        let reply: &'static str = format!("{{\"id\":0,\"result\":null,\"error\":{error}}}\n").leak();
        let addr = answering(vec![CONNECT, CONNECTED, REQUEST, Step::Send(reply), Step::Wait].leak());
        for form in ["json", "table", "raw"] {
            let ended = rpcwrap(&["call", &addr, "A.B", "-o", form]);
            assert_eq!((ended.code, ended.stdout.as_str()), (65, ""), "{error} {form}: {}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{error} {form}: {}", ended.stderr);
            let orders = ended.stderr.trim_end_matches('\n').chars().any(char::is_control);
            assert!(!orders && ended.stderr.contains(shown), "{error} {form}: {:?}", ended.stderr);
        }
    }
}

#[test]
fn streams_are_known_from_the_servers_description() {
    let demo = Demo::start();
    for codec in ["auto", "json", "bson", "gob", "msgpack"] {
        let items = printed(&["call", &demo.addr, "Count.Up", r#"{"To":3}"#, "--codec", codec]);
        assert_eq!(items, "1\n2\n3\n", "{codec}");
        let ended = rpcwrap(&["call", &demo.addr, "Echo.Any", "\"x\"", "--stream", "--codec", codec]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "\"x\"\n"), "{codec}: {}", ended.stderr);
        assert_eq!(ended.stderr, "rpcwrap: Echo.Any does not stream: one reply is all\n");
    }
    let each = printed(&["call", &demo.addr, "Count.Up", r#"{"To":2} {"To":0} {"To":1}"#]);
    assert_eq!(each, "1\n2\n1\n");
    for command in
        [&["watch", &demo.addr, "Count.Up", "-n", "1"][..], &["bench", &demo.addr, "Count.Up", "-n", "1"]]
    {
        let text = fails(1, command);
        assert!(text.starts_with("rpcwrap: Count.Up streams, and "), "{text}");
    }
    // A server that does not say, and whose second item is there: it is no method with one reply.
    static ITEMS: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send(
            "{\"id\":0,\"result\":1,\"error\":null}\n{\"id\":0,\"result\":2,\"error\":null}\n\
             {\"id\":0,\"result\":null,\"error\":\"EOS\"}\n{\"id\":1,\"result\":null,\"error\":\"no\"}\n",
        ),
        Step::Wait,
    ];
    assert_eq!(printed(&["call", &answering(&ITEMS), "A.B", "--stream"]), "1\n2\n");
    // The text that ends streams is an error of other methods.
    static EOS: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":null,\"error\":\"EOS\"}\n"),
        Step::Wait,
    ];
    assert_eq!(fails(65, &["call", &answering(&EOS), "A.B"]), "rpcwrap: remote error: EOS\n");
    assert_eq!(printed(&["call", &answering(&EOS), "A.B", "--stream"]), "");
    assert_eq!(printed(&["call", &demo.addr, "Count.Up", r#"{"To":0}"#]), "");
    // One that answers the call and nothing else.
    static ONE: [Step; 5] =
        [CONNECT, CONNECTED, REQUEST, Step::Send("{\"id\":0,\"result\":1,\"error\":null}\n"), Step::Wait];
    assert_eq!(printed(&["call", &answering(&ONE), "A.B"]), "1\n");
}

#[test]
fn what_was_meant_is_said_or_understood() {
    let demo = Demo::start();
    let product = r#"{"A":7,"B":8}"#;
    for addr in
        [format!("http://{}", demo.addr), format!("http://{}/", demo.addr), format!("tcp://{}", demo.addr)]
    {
        assert_eq!(printed(&["call", &addr, "Arith/Multiply", product]), "56\n", "{addr}");
    }
    let port = demo.addr.rsplit(':').next().unwrap();
    assert_eq!(printed(&["call", &format!(":{port}"), "/Arith/Multiply", product]), "56\n");
    assert!(printed(&["describe", &demo.addr, "Arith/Multiply"]).contains("Multiply(Args)"));
    for command in [
        &["call", &demo.addr, "Arith.Multply", product][..],
        &["watch", &demo.addr, "Arith.Multply", product, "-n", "1"],
        &["bench", &demo.addr, "Arith.Multply", product, "-n", "100"],
        &["describe", &demo.addr, "Arith.Multply"],
    ] {
        let text = fails(65, command);
        assert!(text.ends_with("; did you mean Arith.Multiply?\n"), "{text}");
    }
    let text = fails(65, &["call", &demo.addr, "No.Such"]);
    assert!(text.contains("rpc: can't find service No.Such"), "{text}");
    assert!(text.ends_with(&format!("; rpcwrap list {} shows what it has\n", demo.addr)), "{text}");
    for (argument, code, warning) in [
        (r#"{"A":7,"C":8}"#, 0, "no such member of the argument: C; not given: B"),
        (r#"{"A":7,"B":8,"C":{}}"#, 0, "no such member of the argument: C"),
        (r#"{"a":7,"b":8}"#, 0, ""),
        (r#"{"A":7}"#, 0, ""),
    ] {
        let ended = rpcwrap(&["call", &demo.addr, "Arith.Multiply", argument]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let wanted = match warning {
            "" => String::new(),
            warning => format!("rpcwrap: warning: Arith.Multiply: {warning}\n"),
        };
        assert_eq!(ended.stderr, wanted, "{argument}");
    }
    // The error may come of it.
    let ended = rpcwrap(&["call", &demo.addr, "Arith.Divide", r#"{"A":7,"C":8}"#]);
    assert!(ended.code == 65 && ended.stderr.contains("C; not given: B"), "{}", ended.stderr);
}

#[test]
fn what_servers_say_gives_a_terminal_no_orders() {
    static ORDERS: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send(
            "{\"id\":0,\"result\":{\"k\u{9b}2J\u{7f}\":\"\\u001b]0;pwn\\u0007\u{9b}\u{202e}\"},\"error\":null}\n",
        ),
        Step::Wait,
    ];
    static ERROR: [Step; 5] = [
        CONNECT,
        CONNECTED,
        REQUEST,
        Step::Send("{\"id\":0,\"result\":null,\"error\":\"x\\u001b]0;pwn\\u0007\u{9b}\u{7f}\"}\n"),
        Step::Wait,
    ];
    let obeyed = |text: &str| text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
    for form in ["json", "raw", "table"] {
        let said = printed(&["call", &answering(&ORDERS), "A.B", "-o", form]);
        assert!(!obeyed(&said) && said.contains("pwn"), "{form}: {said:?}");
        let ended = rpcwrap(&["call", &answering(&ERROR), "A.B", "-o", form, "-v"]);
        assert!(!obeyed(&ended.stderr) && ended.stderr.contains("pwn"), "{form}: {:?}", ended.stderr);
    }
    // The value is whole all the same.
    let said = printed(&["call", &answering(&ORDERS), "A.B"]);
    let value: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value, json!({"k\u{9b}2J\u{7f}": "\u{1b}]0;pwn\u{7}\u{9b}\u{202e}"}));
    static REASON: [Step; 2] = [CONNECT, Step::Send("HTTP/1.0 404 No\u{9b}2J\r\n\r\n")];
    assert!(!obeyed(&fails(66, &["call", &answering(&REASON), "A.B"])));
    static PAGE: [Step; 2] = [
        Step::Expect("\r\n\r\n"),
        Step::Send("HTTP/1.0 200 OK\r\n\r\n{\"methods\":{\"A.\u{9b}2J\":{\"calls\":1}}}"),
    ];
    for form in ["json", "table"] {
        let said = printed(&["top", &answering(&PAGE), "-n", "1", "-i", "10ms", "-o", form]);
        assert!(!obeyed(&said), "{said:?}");
    }
}

#[test]
fn numbers_are_sent_and_shown_as_they_are_or_not_at_all() {
    let demo = Demo::start();
    for number in ["18446744073709551616", "-9223372036854775809", "[1,99999999999999999999]"] {
        for codec in ["json", "gob", "msgpack", "bson"] {
            let text = fails(1, &["call", &demo.addr, "Echo.Any", number, "--codec", codec]);
            assert!(text.contains(" is beyond 64 bits"), "{text}");
        }
    }
    assert_eq!(printed(&["call", &demo.addr, "Echo.Any", "18446744073709551615"]), "18446744073709551615\n");
    assert_eq!(
        printed(&["call", &demo.addr, "Echo.Any", "\"18446744073709551616\""]),
        "\"18446744073709551616\"\n"
    );
    let list = "[\"NaN\",\"Infinity\",\"-Infinity\",1.5]\n";
    let document = "{\"0\":\"NaN\",\"1\":\"Infinity\",\"2\":\"-Infinity\",\"3\":1.5}\n";
    for (codec, wanted) in [("gob", list), ("msgpack", list), ("bson", document)] {
        assert_eq!(printed(&["call", &demo.addr, "Echo.Floats", "--codec", codec]), wanted, "{codec}");
    }
    // JSON carries none of them: the server says so.
    fails(65, &["call", &demo.addr, "Echo.Floats", "--codec", "json"]);
}

/// A page that ends before its end is no page.
#[test]
fn what_is_cut_off_is_not_shown_as_whole() {
    static CUT: [Step; 2] = [
        Step::Expect("\r\n\r\n"),
        Step::Send("HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{\"methods\":{}}"),
    ];
    let text = fails(66, &["top", &scripted_server(&CUT), "-n", "1"]);
    assert!(text.contains("cut off after 14 of 100 bytes"), "{text}");
    const HALF: &str = "HTTP/1.0 200 OK\r\n\r\n<html><title>Services</title>\nService Arith\n";
    static HTML: [Step; 2] = [Step::Expect("GET /debug/rpc HTTP/1.0\r\n"), Step::Send(HALF)];
    static REFUSAL: [Step; 2] =
        [Step::Expect("\n\n"), Step::Send("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")];
    let addr = by_first_byte(&scripted_server(&HTML), &scripted_server(&REFUSAL));
    assert!(fails(66, &["list", &addr]).contains("the page is cut off"));
    // A server that keeps the connection is not waited for.
    static KEPT: [Step; 3] = [
        Step::Expect("\r\n\r\n"),
        Step::Send("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"methods\":{}}"),
        Step::Wait,
    ];
    assert_eq!(printed(&["top", &scripted_server(&KEPT), "-n", "1", "-i", "10ms", "-o", "json"]), "[]\n");
}

/// The numbers of a text that stand where exit codes do.
fn codes(words: &str) -> Vec<u32> {
    words.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn help_and_readme_have_the_same_exit_codes() {
    let help = printed(&["--help"]);
    let help = help.split("\nExit codes: ").nth(1).unwrap().split("\n\n").next().unwrap();
    let readme = include_str!("../README.md").split("| exit code | |\n|---|---|\n").nth(1).unwrap();
    let rows = readme.lines().take_while(|line| line.starts_with('|'));
    let readme: Vec<u32> = rows.flat_map(|row| codes(row.split('|').nth(1).unwrap())).collect();
    assert_eq!(codes(help), readme);
    assert_eq!(readme, [0, 1, 7, 28, 35, 52, 60, 65, 66, 67, 130, 143]);
}
