//! Ending without losing a call, by the program's own trigger as well as by signal.
//!
//! `Server::run` does all of it for SIGTERM and SIGINT: readiness says 503, the listeners go on for `lame_duck`, then
//! close; every request that was read is answered, new ones get `rpc: server is draining`, idle connections are
//! closed, and what is left after `drain_timeout` is cut. Here a call to `Server.Stop` does the same.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{Config, Context, Server, Service};
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::sync::Notify;

const LAME_DUCK: Duration = Duration::from_millis(500);
const DRAIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let stop = Arc::new(Notify::new());
    let trigger = stop.clone();

    let work = Service::new("Work").method("Sleep", |cx: Context, ms: u32| async move {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok(format!("{} waited {ms} ms", cx.peer_addr()))
    });
    let control = Service::new("Server").method("Stop", move |()| {
        trigger.notify_one();
        async { Ok("draining") }
    });
    let server = Server::builder()
        .config(Config::default().lame_duck(LAME_DUCK).drain_timeout(DRAIN))
        .service(work)
        .service(control)
        .build()?;
    let addr = server.listen(&addr).await?;
    let running = server.run();
    println!("listening on {addr}");
    println!("curl -d 5000 http://{addr}/Work/Sleep      # and while it waits, from another terminal:");
    println!("curl -d null http://{addr}/Server/Stop     # or kill -TERM {}", std::process::id());

    let drained = tokio::select! {
        drained = running => drained?,
        () = stop.notified() => {
            server.start_lame_duck();
            tokio::time::sleep(LAME_DUCK).await;
            server.drain(DRAIN).await
        }
    };
    println!("drained, {} connections cut with calls unanswered", drained.cut);
    // 0 if every call was answered, 3 if not.
    Ok(drained.exit_code().into())
}
