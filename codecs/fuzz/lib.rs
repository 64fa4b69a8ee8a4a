//! What the targets share: streams for decoders, and types for values.

pub mod shapes;
mod stream;

pub use libfuzzer_sys::fuzz_target;
pub use stream::limits;
