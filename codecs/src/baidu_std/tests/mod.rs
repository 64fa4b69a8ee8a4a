//! The format by recorded bytes, by hand-made ones, and by bytes of ill will.

mod exchanges;
mod framing;
mod hostile;
mod support;
