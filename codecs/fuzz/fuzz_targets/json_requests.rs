//! What a JSON client may send to a server, whole and split, into types of every shape.
#![no_main]

rpcwrap_codecs_fuzz::requests_target!(json);
