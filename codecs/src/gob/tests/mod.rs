//! Tests of the whole codec; the files name their subject.

mod sessions;
mod support;
