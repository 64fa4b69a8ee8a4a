//! The services that recordings of the original server call, for replaying them: one method per kind of value and per
//! kind of behaviour.
//!
//! `--listen ADDR` (127.0.0.1:17001), `--http-rpc-listen ADDR` (none), `--auth-credentials FILE` (none; `users.json`
//! beside this file has the users of the recordings), `--tls-cert FILE` with `--tls-key FILE` (none; plain connections
//! are served all the same), `--tls-client-ca FILE` (none; who has a certificate is its name),
//! `--proxy-protocol-from CIDR` (none). Prints `listening on ADDR` and `http-rpc on ADDR`; logs to stderr.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

mod echo;
mod services;

use clap::Parser;
use rpcwrap::{ClientAuth, Config, Credentials, ProxyProtocol, Server, TlsConfig, TlsPolicy};
use std::{error::Error, io, process::ExitCode, time::Duration};

#[derive(Parser)]
struct Flags {
    #[arg(long, default_value = "127.0.0.1:17001")]
    listen: String,
    #[arg(long)]
    http_rpc_listen: Option<String>,
    #[arg(long)]
    auth_credentials: Option<String>,
    #[arg(long)]
    tls_cert: Option<String>,
    #[arg(long)]
    tls_key: Option<String>,
    #[arg(long)]
    tls_client_ca: Option<String>,
    #[arg(long)]
    proxy_protocol_from: Option<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let flags = Flags::parse();
    let mut builder = Server::builder()
        // Some of the recorded requests are for a server of the name `x`.
        .config(Config::default().lame_duck(Duration::ZERO).allow_hosts(vec!["x".to_owned()]))
        .service(services::arith())
        .service(services::stream())
        .service(services::slow())
        .service(services::ctx())
        .service(echo::service());
    if let Some(file) = flags.auth_credentials {
        builder = builder.credentials(Credentials::from_file(file)?);
    }
    if let (Some(certificate), Some(key)) = (flags.tls_cert, flags.tls_key) {
        let mut tls = TlsConfig::from_files(certificate, key).policy(TlsPolicy::Allow);
        if let Some(ca) = flags.tls_client_ca {
            tls = tls.client_ca_file(ca).client_auth(ClientAuth::Optional);
            tls = tls.user_from_certificate(|name| Some(name.to_owned()));
        }
        builder = builder.tls(tls);
    }
    if let Some(proxy) = flags.proxy_protocol_from {
        builder = builder.proxy_protocol(ProxyProtocol::from_peers([proxy])?);
    }
    let server = builder.build()?;
    let running = server.run();
    println!("listening on {}", server.listen(&flags.listen).await?);
    if let Some(addr) = flags.http_rpc_listen {
        println!("http-rpc on {}", server.listen_http_rpc(&addr).await?);
    }
    Ok(running.await?.exit_code().into())
}
