//! The shortest server. `curl -d '"hi"' http://127.0.0.1:7070/Echo/Say` answers `"hi"`.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let server = Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
    let running = server.run();
    println!("listening on {}", server.listen(&addr).await?);
    running.await?;
    Ok(())
}
