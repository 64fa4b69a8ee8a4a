//! Pages of a program beside RPC on one port: an axum router gets every path that is not the server's own.
//!
//! Both sides share one state. Any tower service of HTTP requests can stand in the router's place; the server's own
//! paths are `/_…`, `/debug/…`, `/healthz`, `/livez`, `/readyz`, `/metrics` and `POST /<Service>/<Method>`.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use rpcwrap::{Mount, Server};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Clone, Default)]
struct Scores(Arc<Mutex<BTreeMap<String, i64>>>);

impl Scores {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Points {
    player: String,
    points: i64,
}

async fn table(State(scores): State<Scores>) -> String {
    scores.lock().iter().fold(String::from("player points\n"), |mut page, (player, points)| {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{player} {points}");
        page
    })
}

async fn one(State(scores): State<Scores>, Path(player): Path<String>) -> Result<String, StatusCode> {
    scores.lock().get(&player).map(|points| format!("{points}\n")).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let scores = Scores::default();
    let pages = Router::new()
        .route("/scores", get(table))
        .route("/scores/{player}", get(one))
        .with_state(scores.clone());
    let add = move |Points { player, points }: Points| {
        let mut scores = scores.lock();
        let sum = scores.entry(player).or_default();
        *sum = sum.saturating_add(points);
        let sum = *sum;
        async move { Ok(sum) }
    };
    let server = Server::builder().method("Scores.Add", add).mount(Mount::new(pages)).build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!("curl -d '{{\"Player\":\"ola\",\"Points\":3}}' http://{addr}/Scores/Add");
    println!("curl http://{addr}/scores");
    println!("curl http://{addr}/scores/ola");
    running.await?;
    Ok(())
}
