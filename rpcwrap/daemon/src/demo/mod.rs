//! The services a client can be tried on. Each is a plain value of the base layer; nothing here is special.

mod arith;
mod count;
mod echo;
mod fail;
mod sleep;

use rpcwrap::Builder;

/// Adds all of them.
pub(crate) fn services(builder: Builder) -> Builder {
    builder
        .service(arith::service())
        .service(count::service())
        .service(echo::service())
        .service(fail::service())
        .service(sleep::service())
}

#[cfg(test)]
mod tests;
