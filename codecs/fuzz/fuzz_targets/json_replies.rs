//! What a JSON server may send to a client, whole and split, into types of every shape.
#![no_main]

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

replies_target!(json);
