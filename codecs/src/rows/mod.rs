//! Replies as rows of a table: for result sets of SQL, tables of a command line.
//!
//! A [`Shape`] says which columns a reply has, from its traced type alone, so that an empty list has them too. A
//! [`RowWriter`] turns values into rows of that shape: a serde serializer that hands each cell to a [`RowSink`] as it
//! meets it. Knows no table format and no protocol.
//!
//! | the reply is | rows | columns |
//! |---|---|---|
//! | `()` | none | none |
//! | a struct | one | its fields |
//! | a tuple, an array | one | `1` to `n` |
//! | a list (a set) | one for each element | the element's: a struct's fields, a tuple's `1` to `n`, else `value` |
//! | a map | one for each entry | `key` and `value` |
//! | an `Option` | those of what it holds, none if it is empty | those of what it may hold |
//! | a scalar, an enum | one | `value` |
//! | a value of any form, a struct with `#[serde(flatten)]` | as its value shows | as its values show: members in the order in which they are met |
//!
//! For a streaming method each item is a row, as if it were the element of a list. What lies deeper (a list within a
//! row, an enum with data) is a cell of JSON; an array of more than 64 elements is one too.
//!
//! ```
//! use rpcwrap_codecs::{EncodeError, rows::{Cell, Column, RowSink, RowWriter, Shape}, schema::Schema};
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Hit { name: String, score: Option<u8>, tags: Vec<String> }
//!
//! #[derive(Default)]
//! struct Lines(String);
//! impl RowSink for Lines {
//!     fn columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
//!         self.0 += &columns.iter().map(|column| format!("{}|", column.name)).collect::<String>();
//!         Ok(())
//!     }
//!     fn begin_row(&mut self) -> Result<(), EncodeError> { self.0.push('\n'); Ok(()) }
//!     fn cell(&mut self, cell: Cell<'_>) -> Result<(), EncodeError> { self.0 += &format!("{cell}|"); Ok(()) }
//!     fn end_row(&mut self) -> Result<(), EncodeError> { Ok(()) }
//! }
//!
//! let shape = Shape::of(&Schema::of::<Vec<Hit>>(), false);
//! let hits = [Hit { name: "kota".into(), score: None, tags: vec!["a".into()] }];
//! let (mut lines, mut rows) = (Lines::default(), RowWriter::new(&shape));
//! rows.write(&hits[..], &mut lines).unwrap();
//! rows.finish(&mut lines).unwrap();
//! assert_eq!(lines.0, "name|score|tags|\nkota|NULL|[\"a\"]|");
//! ```

mod cell;
mod cell_error;
mod cell_serializer;
mod inference;
mod row;
mod shape;
mod split;
mod writer;

pub use cell::{Cell, RowSink};
pub use shape::{Column, Kind, Shape};
pub use writer::RowWriter;

#[cfg(test)]
mod tests;
