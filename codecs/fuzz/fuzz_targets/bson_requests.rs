//! What a BSON client may send to a server, whole and split, into types of every shape.
#![no_main]

rpcwrap_codecs_fuzz::requests_target!(bson, codecs::BsonDialect::Auto);
