//! What a MessagePack client may send to a server, whole and split, into types of every shape.
#![no_main]

#[path = "../shapes.rs"]
mod shapes;
#[macro_use]
#[path = "../stream.rs"]
mod stream;

requests_target!(msgpack);
