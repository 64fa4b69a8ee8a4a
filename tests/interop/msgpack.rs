//! MessagePack as others speak it: Python's `msgpack`, and Go's `hashicorp/net-rpc-msgpackrpc` on both sides.

use crate::conformance::Conformance;
use rpcwrap::codecs::{TimeForm, types};
use rpcwrap_client::{AnyCodec, Client, Error, dial};
use rpcwrap_tests::{
    peer::{self, Go},
    process::Process,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug, path::Path, process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(180);

#[test]
#[ignore = "needs python3 with msgpack: run tests/run"]
fn python_client() {
    let python = peer::python_with_modules().unwrap_or_else(|error| panic!("{error}"));
    let server = Conformance::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/python/msgpack_client.py");
    let mut client = Command::new(python);
    server.judged_by(client.arg("-B").arg(script).arg(server.addr.to_string()), LIMIT);
    server.stop();
}

fn of_go(go: Go) -> Command {
    Command::new(go.msgpack_program().unwrap_or_else(|error| panic!("{error}")))
}

#[test]
#[ignore = "needs go: run tests/run"]
fn go_client_with_and_without_connect() {
    for go in [Go::Oldest, Go::Newest] {
        let server = Conformance::start();
        let report = server.judged_by(of_go(go).args(["-addr", &server.addr.to_string()]), LIMIT);
        assert_eq!(report.lines().filter(|line| line.starts_with("ok ")).count(), 40, "{report}");
        server.stop();
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    name: String,
    n: i64,
}

async fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    client: &Client,
    method: &str,
    value: T,
) {
    let reply: T = client.call(method, &value).await.unwrap_or_else(|error| panic!("{method}: {error}"));
    assert_eq!(reply, value, "{method}");
}

#[test]
#[ignore = "needs go: run tests/run"]
fn our_client_calls_gos_server() {
    let server = Process::start(of_go(Go::Newest).args(["-listen", "127.0.0.1:0"]));
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    let addr = server.stdout.line("listening on ", Duration::from_secs(20));
    let addr = addr.unwrap_or_else(|| panic!("no address\n{server}"));
    let calls = async {
        let client = dial(&addr, AnyCodec::Msgpack).await.unwrap();
        let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: -8 }).await.unwrap();
        assert_eq!(product, -56);
        let quotient: Quotient = client.call("Arith.Divide", &Args { a: 17, b: 5 }).await.unwrap();
        assert_eq!(quotient, Quotient { quo: 3, rem: 2 });
        let failed = client.call::<_, Quotient>("Arith.Divide", &Args { a: 1, b: 0 }).await.unwrap_err();
        assert!(matches!(&failed, Error::Server { text, .. } if text == "divide by zero"), "{failed:?}");
        let unknown = client.call::<_, i64>("No.Such", &1).await.unwrap_err();
        assert_eq!(unknown.to_string(), "rpc: can't find service No.Such");
        comes_back(&client, "Echo.Inner", Inner { name: "zażółć".into(), n: i64::MIN }).await;
        comes_back(&client, "Echo.Inner", Inner::default()).await;
        comes_back(&client, "Echo.Strings", vec!["a".to_owned(), String::new()]).await;
        comes_back(&client, "Echo.Bytes", types::Blob::from(b"\x00\xFF")).await;
        comes_back(&client, "Echo.Time", "2015-01-15T07:11:21.5Z".parse::<types::Time>().unwrap()).await;
        comes_back(&client, "Echo.Map", BTreeMap::from([("k".to_owned(), 5i64)])).await;
        let wrong = client.call::<_, String>("Arith.Multiply", &Args { a: 7, b: 8 }).await.unwrap_err();
        assert!(matches!(wrong, Error::Decode(_)), "{wrong:?}");
        assert_eq!(client.call::<_, i64>("Arith.Multiply", &Args { a: 2, b: 3 }).await.unwrap(), 6);
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, calls).await }).unwrap();
}

/// go-msgpack 0.5.5, 1.1.5 and 2.1.2 with every setting of their handles: those of 0.5.5 close where a time is an
/// extension or a text is bytes.
#[test]
#[ignore = "needs go: run tests/run"]
fn every_handle_of_each_go_msgpack() {
    for go in [Go::Oldest, Go::Newest] {
        let server = Conformance::start();
        let mut program = Command::new(go.msgpack_forms_program().unwrap_or_else(|error| panic!("{error}")));
        let report = server.judged_by(program.args(["-addr", &server.addr.to_string()]), LIMIT);
        assert_eq!(report.lines().filter(|line| line.starts_with("ok ")).count(), 80, "{report}");
        server.stop();
    }
}

#[test]
#[ignore = "needs go: run tests/run"]
fn our_client_writes_the_times_that_each_go_msgpack_reads() {
    for (version, times, is_builtin) in [
        ("0.5.5", TimeForm::GoBinary, true),
        ("1.1.5", TimeForm::Extension, true),
        ("1.1.5", TimeForm::GoBinary, false),
        ("2.1.2", TimeForm::Timestamp, true),
        ("2.1.2", TimeForm::GoBinary, false),
    ] {
        let program = Go::Newest.msgpack_forms_program().unwrap_or_else(|error| panic!("{error}"));
        let mut program = Command::new(program);
        program.args(["-listen", "127.0.0.1:0", "-version", version]);
        if !is_builtin {
            program.arg("-time-not-builtin");
        }
        let server = Process::start(&mut program).unwrap_or_else(|error| panic!("{error}"));
        let addr = server.stdout.line("listening on ", Duration::from_secs(20));
        let addr = addr.unwrap_or_else(|| panic!("no address\n{server}"));
        let calls = async {
            let client = dial(&addr, AnyCodec::MsgpackTimes(times)).await.unwrap();
            for time in ["2023-11-14T22:13:20.000000005Z", "1969-12-31T23:59:59Z"] {
                let when = time.parse::<types::Time>().unwrap();
                comes_back(&client, "Echo.Event", Event { when }).await;
                // At the top of a value go-msgpack reads one in the form of its own, whatever its setting.
                if is_builtin {
                    comes_back(&client, "Echo.Time", when).await;
                }
            }
            comes_back(&client, "Echo.String", types::Text::from(vec![0xFF, 0xFE])).await;
            comes_back(&client, "Echo.Bytes", types::Blob::from(b"\x00\xFF")).await;
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { tokio::time::timeout(LIMIT, calls).await }).unwrap();
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    when: types::Time,
}
