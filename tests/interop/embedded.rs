//! Structs that Go embeds in others, and values that Go has in interfaces, through Go's own codecs.

use rpcwrap::{
    Server, Service,
    codecs::types::{Any, Blob, Time},
};
use rpcwrap_tests::{peer::Go, process::Process, server::start};
use serde::{Deserialize, Serialize};
use std::{process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Base {
    #[serde(rename = "ID")]
    id: u64,
    raw: Blob,
    at: Time,
    note: String,
    zero: i64,
}

/// As JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Flat {
    #[serde(flatten)]
    base: Base,
    extra: String,
}

/// As gob has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Nested {
    base: Base,
    extra: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Holder {
    v: Vec<Any>,
}

fn service() -> Service {
    Service::new("Embedded")
        .method("Flat", |flat: Flat| async { Ok(flat) })
        .method("Nested", |nested: Nested| async { Ok(nested) })
        .method("Read", |Flat { base, extra }: Flat| async { Ok(Nested { base, extra }) })
        .method("Any", |holder: Holder| async { Ok(holder) })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn go_embeds_structs_and_has_interfaces() {
    let server = start(Server::builder().service(service())).await;
    for go in [Go::Oldest, Go::Newest] {
        let program = go.program("embedded").unwrap_or_else(|error| panic!("{error}"));
        let mut client = Command::new(program);
        let mut run = Process::start(client.args(["-addr", &server.addr.to_string()]))
            .unwrap_or_else(|error| panic!("{error}"));
        let status = run.wait(LIMIT);
        assert!(status.is_ok_and(|status| status.success()), "{run}");
    }
}
