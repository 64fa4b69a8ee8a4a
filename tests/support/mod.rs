//! What the test programs of this workspace share.

pub mod peer;
pub mod process;
