//! What a gob connection remembers to do less: three caches, which no peer can tell from their absence.
//!
//! Each is a saving and nothing else: with all of them empty the same values are read, and those written are the same
//! to the peer. Go keeps its compiled decoders for the same reason (`encoding/gob` `decoder.go`
//! `Decoder.decoderCache`).
//!
//! - [`HeaderLayouts`], one per reader. Saves comparing the names of a header's fields, for each message. Valid for
//!   good: no id is defined twice.
//! - [`ObservedTypes`], one per writer. Saves going through a value whose type only the value shows, for each value of
//!   a method. Valid until a value of the method does not fit, whose type takes its place.
//! - [`Shared`], one per kind of table and process. Saves some KiB per connection: equal tables are kept once. Valid
//!   until a connection changes its table, which copies it first.

mod header_layouts;
mod observed;
mod shared;

pub(super) use header_layouts::{CACHED_FIELDS, HeaderLayouts, Role, role};
pub(super) use observed::{ObservedType, ObservedTypes};
pub(super) use shared::Shared;
