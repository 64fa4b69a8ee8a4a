//! What a BSON server may send to a client, whole and split, into types of every shape.
#![no_main]

rpcwrap_codecs_fuzz::replies_target!(bson);
