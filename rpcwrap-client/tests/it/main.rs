//! The client against servers made of bytes: every case says what is sent and what comes back.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first error, and says what it leaves out"
)]

mod addresses;
mod baidu_std;
mod calls;
mod codec;
mod connector;
mod dial;
mod extensions;
mod failures;
mod load;
mod ours;
mod peer;
mod replay;
mod streams;
