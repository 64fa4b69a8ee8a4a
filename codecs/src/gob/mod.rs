//! Go's `encoding/gob` as `net/rpc` uses it: a stream of definitions and values, two values per message.
//!
//! Bytes come in through [`RequestDecoder`] (server) or [`ReplyDecoder`] (client): `value_reader` frames them and keeps
//! the definitions in a table, `types`; `header` reads the first value of a message by hand; the second waits in the
//! message until [`value_from_slice`] decodes it straight into the wanted type. `scan` walks over values that are not
//! kept, `wire` reads and writes scalars. [`ReplyEncoder`] and [`RequestEncoder`] go the other way. Nothing here knows
//! services or sockets.
//!
//! Go's interfaces are enums whose variants have the names that types are registered under; a nil one is `None`:
//! ```
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! enum Shape {
//!     #[serde(rename = "int")]
//!     Side(i64),
//!     #[serde(rename = "main.Circle")]
//!     Circle(Circle),
//! }
//! #[derive(Serialize, Deserialize)]
//! struct Circle { r: f64 }
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct Args { shape: Option<Shape> }
//! ```
//! [`Any`](crate::types::Any) takes any value they hold, with the names of types that are not its own kinds.
//! Source: Go `encoding/gob`, `net/rpc`.

mod cache;
mod de;
mod define;
mod encode;
mod header;
mod reply;
mod request;
mod scan;
mod ser;
#[cfg(test)]
mod tests;
mod types;
mod value_reader;
mod wire;

pub use de::{value_from_slice, value_from_slice_within};
pub use encode::{ReplyEncoder, RequestEncoder, Saved};
pub use reply::{ReplyDecoder, value_from_reply, value_from_reply_within};
pub use request::RequestDecoder;
pub use types::Types;

/// The word in `/_gob_rpc_`; Go's own path is `/_goRPC_`.
pub const NAME: &str = "gob";

/// Levels of values inside values, and of types inside types; Go has no limit for values and dies at some millions.
const MAX_DEPTH: usize = 100;
