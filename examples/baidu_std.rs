//! baidu_std, bRPC's default protocol, both sides: a service bRPC's clients can call, and a client that calls it.
//!
//! Bodies are protobuf, and the server knows no schema: a method takes the bytes as they are (`RawCall`) or a message
//! type of the program's own (`Protobuf`, cargo feature `prost`), generated or derived by hand as here. Methods of
//! serde types are reached with JSON. The service's name is the one in the `.proto` file, package included.
//!
//! `baidu_std ADDR` stays and serves; without an address the program calls itself and ends.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{Error, Method, Protobuf, RawCall, RawReply, Server, Service};
use rpcwrap_client::{
    Error as ClientError,
    baidu_std::{self, Compression},
};

/// `message EchoRequest { string message = 1; int32 fail_code = 3; }`
#[derive(Clone, PartialEq, prost::Message)]
struct EchoRequest {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(int32, tag = "3")]
    fail_code: i32,
}

/// `message EchoResponse { string message = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
struct EchoResponse {
    #[prost(string, tag = "1")]
    message: String,
}

/// On messages. A code that is a number is what the caller gets as `error_code`.
async fn echo(Protobuf(request): Protobuf<EchoRequest>) -> Result<Protobuf<EchoResponse>, Error> {
    match request.fail_code {
        0 => Ok(Protobuf(EchoResponse { message: request.message })),
        code => Err(Error::new(format!("told to fail: {}", request.message)).code(code.to_string())),
    }
}

/// On bytes: nothing is decoded, the attachment goes back too, compressed as it came.
async fn mirror(call: RawCall) -> Result<RawReply, Error> {
    println!("{} got {} bytes, log_id {}", call.service_method, call.body.len(), call.log_id);
    Ok(RawReply::new(call.body).attachment(call.attachment).compression(call.compression))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::new("demo.EchoService")
        .method("Echo", echo)
        // Beyond the limit callers get ELIMIT, 2004, at once.
        .with(Method::new("Mirror", mirror).max_in_flight(64))
        .method("Double", |number: i64| async move { Ok(number * 2) });
    let server = Server::builder().service(service).build()?;
    if let Some(addr) = std::env::args().nth(1) {
        let running = server.run();
        println!("listening on {}", server.listen(&addr).await?);
        running.await?;
        return Ok(());
    }

    let addr = server.listen("127.0.0.1:0").await?.to_string();
    let client = baidu_std::dial(&addr).await?;
    let hello = EchoRequest { message: "hello".into(), fail_code: 0 };
    let reply: EchoResponse = client.request("demo.EchoService.Echo").message(&hello).await?;
    println!("message: {}", reply.message);

    let request = client.request("demo.EchoService.Mirror").log_id(42).compression(Compression::Gzip);
    let reply = request.attachment(b"beside").call(&[7; 1000]).await?;
    println!("bytes: {}, attachment: {}", reply.body.len(), String::from_utf8_lossy(&reply.attachment));

    // Clients of other languages often leave the package out.
    let doubled: i64 = client.call("EchoService.Double", &21).await?;
    println!("json: {doubled}");

    let boom = EchoRequest { message: "boom".into(), fail_code: 7777 };
    let failed = client.request("demo.EchoService.Echo").message::<EchoResponse>(&boom).await;
    if let Err(ClientError::Server { code, text, .. }) = failed {
        println!("error {code}: {text}");
    }
    Ok(())
}
