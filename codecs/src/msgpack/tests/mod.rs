//! Tests of the whole codec, on the bytes themselves.

mod framing;
mod hostile;
mod support;
mod values;
