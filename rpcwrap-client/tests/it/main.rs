//! The client against servers made of bytes: every case says what is sent and what comes back.

mod calls;
mod dial;
mod extensions;
mod failures;
mod load;
mod peer;
mod replay;
mod streams;
