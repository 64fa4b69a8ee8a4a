//! TLS with certificates of both sides: the server knows its callers by theirs, and plain HTTP still works.
//!
//! The CA and both certificates are made on the spot; a real program has them in files.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rpcwrap::{Access, ClientAuth, Context, Server, Service, TlsConfig, TlsPolicy};
use rpcwrap_client::{AnyCodec, Config};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (ca, client, tls) = certificates()?;
    let server = Server::builder()
        .service(Service::new("Ledger").access(Access::new().users(["ala"])).method(
            "WhoAmI",
            |cx: Context, (): ()| async move {
                let version = cx.tls().map_or("no TLS", |tls| tls.version);
                Ok(format!("{} over {version}", cx.user().unwrap_or("anonymous")))
            },
        ))
        .tls(tls)
        .build()?;
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let running = server.run();
    let addr = server.listen(&addr).await?.to_string();
    println!("listening on {addr}");
    println!("  curl http://{addr}/debug/status");
    println!("  curl -k https://{addr}/debug/status");

    // The host of the address has to be in the server's certificate; this one is made out to localhost.
    let tls = rpcwrap_client::TlsConfig::new().ca_pem(ca).server_name("localhost");
    let known = tls.clone().certificate_pem(client.cert.pem(), client.signing_key.serialize_pem());
    for (who, tls) in [("with a certificate", known), ("without", tls)] {
        let client = Config::default().tls(tls).dial_http(&addr, AnyCodec::Json).await?;
        match client.call::<_, String>("Ledger.WhoAmI", &()).await {
            Ok(said) => println!("{who}: {said}"),
            Err(error) => println!("{who}: {error}"),
        }
    }
    running.await?;
    Ok(())
}

/// A client's certificate with its key.
type Client = rcgen::CertifiedKey<KeyPair>;

/// The CA's certificate, one for a client, and what the server needs.
fn certificates() -> Result<(String, Client, TlsConfig), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &ca)?;
    // For files: TlsConfig::from_files("cert.pem", "key.pem"), read again by Server::reload_tls.
    let tls = TlsConfig::from_pem(server.pem(), key.serialize_pem())
        .policy(TlsPolicy::Allow)
        .client_ca_pem(ca.pem())
        .client_auth(ClientAuth::Optional)
        .user_from_certificate(|name| Some(name.to_owned()));

    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ala");
    let signing_key = KeyPair::generate()?;
    let cert = params.signed_by(&signing_key, &ca)?;
    Ok((ca.pem(), Client { cert, signing_key }, tls))
}
