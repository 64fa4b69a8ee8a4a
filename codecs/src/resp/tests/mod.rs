//! RESP against tables, recordings, another implementation, and bytes of ill will.

mod hostile;
mod judge;
mod recorded;
mod replies;
mod requests;
mod skips;
mod support;
