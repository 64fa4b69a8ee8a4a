//! gRPC beside RPC on one port: a tonic service mounted on the server, here the standard health service.
//!
//! gRPC clients speak HTTP/2, with prior knowledge or agreed on by TLS; everybody else finds the port as ever.
//! Generated services are mounted in the same way: `Routes::new(HealthServer::new(…)).add_service(…)`.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::Server;
use tonic::service::Routes;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("Echo", tonic_health::ServingStatus::Serving).await;
    let grpc = Routes::new(health).into_axum_router();

    let say = |text: String| async move { Ok(text) };
    let server = Server::builder().method("Echo.Say", say).mount(grpc).build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!("grpcurl -plaintext -d '{{\"service\":\"Echo\"}}' {addr} grpc.health.v1.Health/Check");
    println!("curl -d '\"hi\"' http://{addr}/Echo/Say");
    println!("curl --http2-prior-knowledge http://{addr}/debug/status");
    running.await?;
    Ok(())
}
