//! Logging in: the path with a login, CRAM-MD5, and what a wrong password looks like.
//!
//! Takes the address of a server such as `rpcwrapd --auth-credentials`, a user and a password; without them it starts a
//! server of its own. The password itself is never sent.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{Access, Context, Credentials, Server, Service, codecs::types::Any};
use rpcwrap_client::{AnyCodec, BsonDialect, DialError, Error, dial_auth_http, dial_http};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = server()?;
    let mut args = std::env::args().skip(1);
    let (addr, user, secret) = match (args.next(), args.next(), args.next()) {
        (Some(addr), Some(user), Some(secret)) => (addr, user, secret),
        _ => (server.listen("127.0.0.1:0").await?.to_string(), "ala".to_owned(), "ma kota".to_owned()),
    };

    // In every codec the login is the first two calls of the connection.
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::default())] {
        let name = codec.name().to_owned();
        let client = dial_auth_http(&addr, codec, &user, &secret).await?;
        let who: Who = client.call("Echo.Who", &()).await?;
        println!("{name}: the server takes us for {}", who.user);
    }

    match dial_auth_http(&addr, AnyCodec::Json, &user, "guessed").await {
        Err(DialError::Login(Error::Server { text, .. })) => println!("wrong password: {text}"),
        other => println!("wrong password: {other:?}"),
    }

    let anonymous = dial_http(&addr, AnyCodec::Json).await?;
    let refused: Result<Who, Error> = anonymous.call("Private.Who", &()).await;
    if let Err(error) = refused {
        println!("without a login: {error}");
    }
    Ok(())
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Who {
    user: String,
}

fn server() -> Result<Server, rpcwrap::ConfigError> {
    let who =
        |cx: Context, _: Any| async move { Ok(Who { user: cx.user().unwrap_or("anonymous").to_owned() }) };
    Server::builder()
        .credentials(Credentials::new([("ala", ["ma kota"])]))
        .service(Service::new("Echo").method("Who", who))
        .service(Service::new("Private").access(Access::new().authenticated()).method("Who", who))
        .build()
}
