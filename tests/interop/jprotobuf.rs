//! jprotobuf-rpc-core, Baidu's own baidu_std in Java: its client and our server, our client and its server.

use rpcwrap::{Error, Protobuf, RawCall, RawReply, Server, Service};
use rpcwrap_client::{
    Error as ClientError,
    baidu_std::{self, Compression},
};
use rpcwrap_tests::{limit, peer, process::Process, within};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(int32, tag = "2")]
    sleep_ms: i32,
    #[prost(int32, tag = "3")]
    fail_code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Reply {
    #[prost(string, tag = "1")]
    message: String,
}

async fn echo(Protobuf(request): Protobuf<Request>) -> Result<Protobuf<Reply>, Error> {
    tokio::time::sleep(Duration::from_millis(request.sleep_ms as u64)).await;
    match request.fail_code {
        0 => Ok(Protobuf(Reply { message: request.message })),
        code => Err(Error::new("told to fail").code(code.to_string())),
    }
}

async fn bytes(call: RawCall) -> Result<RawReply, Error> {
    Ok(RawReply::new(call.body).attachment(call.attachment).compression(call.compression))
}

fn server() -> Server {
    let service = Service::new("demo.EchoService")
        .method("Echo", echo)
        .method("Typed", bytes)
        .method("Limited", bytes)
        .method("Attach", bytes);
    Server::builder().service(service).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs java: run tests/run"]
async fn its_client_is_content_with_our_server() {
    let server = server();
    let port = limit(server.listen("127.0.0.1:0")).await.unwrap().to_string();
    let port = port.rsplit(':').next().unwrap().to_owned();
    let mut judge = peer::jprotobuf().unwrap_or_else(|error| panic!("{error}"));
    let run = tokio::task::spawn_blocking(move || {
        let mut run = Process::start(judge.args(["client", &port])).unwrap();
        let status = run.wait(LIMIT);
        assert!(status.is_ok_and(|status| status.success()), "{run}");
        run.stdout.text()
    });
    let said = within(LIMIT, run).await.unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "echo: hello",
            "gzip: 200",
            "snappy: 200",
            "attach: hello ATTACH",
            "error: error 7777 A error occurred: errorCode=7777 errorMessage:[E7777]told to fail",
            "nope: error 1002 A error occurred: errorCode=1002 errorMessage:[E1002]Fail to find method=EchoService/Nope",
            "many: 500",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs java: run tests/run"]
async fn our_client_is_content_with_its_server() {
    let mut judge = peer::jprotobuf().unwrap_or_else(|error| panic!("{error}"));
    let server = Process::start(judge.arg("server")).unwrap();
    let port = server.stdout.line("", Duration::from_secs(30));
    let port = port.unwrap_or_else(|| panic!("no port\n{server}"));
    let client = limit(baidu_std::dial(&format!("127.0.0.1:{port}"))).await.unwrap();
    let call = |message: &str| Request { message: message.to_owned(), ..Request::default() };
    for compression in [Compression::None, Compression::Gzip, Compression::Snappy] {
        let request = client.request("EchoService.Echo").compression(compression).log_id(42);
        let reply: Reply = limit(request.message(&call(&"a".repeat(200)))).await.unwrap();
        assert_eq!(reply.message, "a".repeat(200), "{compression:?}");
    }
    let request = client.request("EchoService.Echo").attachment(b"ATTACH");
    let reply = limit(request.call(b"\n\x05hello")).await.unwrap();
    assert_eq!((&reply.body[..], &reply.attachment[..]), (&b"\n\x05hello"[..], &b"ATTACH"[..]));
    let unknown = limit(client.request("EchoService.Nope").call(b"")).await;
    assert!(matches!(unknown, Err(ClientError::Server { .. })), "{unknown:?}");
    let calls = (0..200).map(|number| {
        let client = client.clone();
        tokio::spawn(async move {
            let request = Request { message: number.to_string(), sleep_ms: number % 3, fail_code: 0 };
            let reply: Reply = client.request("EchoService.Echo").message(&request).await.unwrap();
            assert_eq!(reply.message, number.to_string());
        })
    });
    for call in calls.collect::<Vec<_>>() {
        limit(call).await.unwrap();
    }
}
