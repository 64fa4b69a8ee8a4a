//! Users: a service only they reach, one only an administrator reaches, and one for everybody.
//!
//! Go-RPC clients log in by CRAM-MD5 on `CONNECT /_json_rpc_/auth` or `/_bson_rpc_/auth`; over HTTP the same users
//! and secrets work as basic authentication.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{Access, Context, Credentials, Server, Service};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    // From a file {"user": ["secret", …]} if one is named; `Server::reload_credentials` reads it again.
    let users = match args.next() {
        Some(file) => Credentials::from_file(file)?,
        None => Credentials::new([("ala", ["ma kota"]), ("root", ["toor"])]),
    };
    let who_am_i = |cx: Context, _: ()| async move { Ok(cx.user().unwrap_or("anonymous").to_owned()) };
    let server = Server::builder()
        .credentials(users)
        .service(Service::new("Public").method("WhoAmI", who_am_i))
        .service(Service::new("Private").access(Access::new().authenticated()).method("WhoAmI", who_am_i))
        .service(Service::new("Admin").access(Access::new().users(["root"])).method("WhoAmI", who_am_i))
        .build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!("curl -d null http://{addr}/Public/WhoAmI                  # \"anonymous\"");
    println!("curl -d null http://{addr}/Private/WhoAmI                 # 401");
    println!("curl -u 'ala:ma kota' -d null http://{addr}/Private/WhoAmI # \"ala\"");
    println!("curl -u 'ala:ma kota' -d null http://{addr}/Admin/WhoAmI   # 403");
    println!("curl -u root:toor -d null http://{addr}/Admin/WhoAmI       # \"root\"");
    println!("vitess clients: user ala, password 'ma kota', on CONNECT /_bson_rpc_/auth");
    running.await?;
    Ok(())
}
