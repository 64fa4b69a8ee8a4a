//! Tests of the whole codec; the files name their subject.

mod framing;
mod hostile;
mod sessions;
mod support;
mod values;
