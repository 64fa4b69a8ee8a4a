//! Tests of the whole codec; the files name their subject.

mod errors;
mod framing;
mod hostile;
mod round_trips;
mod sessions;
mod support;
mod values;
