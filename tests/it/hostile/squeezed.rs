//! Everything at once in a little memory: no peer may take so much that the program ends.

use super::{
    Good, alone,
    announced::announce,
    overload::overload,
    unread::{every_source, send_until_closed},
};
use crate::program::{Program, Settings};
use futures_util::future::join_all;
use std::process::Stdio;
use tokio::join;

/// Of addresses, of which the libraries, the stacks and the reserve of each thread's allocator take most: what is left
/// is less than what the peers ask for.
const SPACE: &str = "ulimit -v 524288; exec \"$0\" \"$@\"";

#[tokio::test]
async fn half_a_gibibyte_is_enough_against_all_hostile_peers_at_once() {
    let settings = Settings::new("squeezed", "stall_timeout = \"5s\"\nmax_calls = 64\n");
    let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
    let program = Program::daemon_by(SPACE, Stdio::null(), &args).await;
    let addr = program.addr;
    // Streams that are not read hold calls until they stall, and calls are what the overload is about.
    let unread = every_source().into_iter().filter(|source| !source.0.starts_with("Count.Up"));
    let unread = join_all(unread.map(|source| send_until_closed(addr, source)));
    let (_, waiting, (done, shed)) = join!(unread, announce(addr, 20), overload(addr));
    println!("{} MiB at most, {done} answered, {shed} shed", program.peak_bytes() >> 20);
    drop(waiting);
    assert!(alone(&program).await["counters"]["shed_calls"].as_u64().unwrap() >= shed);
    Good::without_pause(addr).stop().await;
    program.end_quietly().await;
}
