//! What every layer sees of the running server, swapped as a whole or counted.

pub(crate) mod config;
pub(crate) mod lifetime;
pub(crate) mod shutdown;
pub(crate) mod stats;
pub(crate) mod tracker;
