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

use rpcwrap::{ClientAuth, Config, Credentials, ProxyProtocol, Server, TlsConfig, TlsPolicy};
use std::{error::Error, io, process::ExitCode, time::Duration};

#[derive(Default)]
struct Flags {
    listen: Option<String>,
    http_rpc_listen: Option<String>,
    auth_credentials: Option<String>,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    tls_client_ca: Option<String>,
    proxy_protocol_from: Option<String>,
}

impl Flags {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self::default();
        while let Some(flag) = args.next() {
            let value = match flag.as_str() {
                "--listen" => &mut flags.listen,
                "--http-rpc-listen" => &mut flags.http_rpc_listen,
                "--auth-credentials" => &mut flags.auth_credentials,
                "--tls-cert" => &mut flags.tls_cert,
                "--tls-key" => &mut flags.tls_key,
                "--tls-client-ca" => &mut flags.tls_client_ca,
                "--proxy-protocol-from" => &mut flags.proxy_protocol_from,
                _ => return Err(format!("unknown flag {flag}")),
            };
            *value = Some(args.next().ok_or_else(|| format!("{flag} needs a value"))?);
        }
        Ok(flags)
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let flags = Flags::read(std::env::args().skip(1))?;
    let mut builder = Server::builder()
        .config(Config::default().lame_duck(Duration::ZERO))
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
    let addr = flags.listen.as_deref().unwrap_or("127.0.0.1:17001");
    println!("listening on {}", server.listen(addr).await?);
    if let Some(addr) = flags.http_rpc_listen {
        println!("http-rpc on {}", server.listen_http_rpc(&addr).await?);
    }
    Ok(running.await?.exit_code().into())
}
