//! Tests of the whole codec; the files name their subject.

mod client;
#[cfg(feature = "bson-types")]
mod crate_types;
mod errors;
mod exchanges;
mod framing;
mod hostile;
mod support;
mod values;
