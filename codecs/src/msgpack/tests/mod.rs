//! Tests of the whole codec, on the bytes themselves.

mod errors;
mod framing;
mod hostile;
mod support;
mod values;
