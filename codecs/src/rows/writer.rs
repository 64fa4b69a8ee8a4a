//! Replies written into a table.

use super::{
    cell::RowSink,
    cell_serializer::write_cell,
    inference,
    row::{Empty, put, write_row},
    shape::{Column, Layout, Row, Shape},
    split::{CompoundKind, Name, Parts, split},
};
use crate::error::EncodeError;
use serde::Serialize;

/// Writes one reply, or the items of one stream, as the rows of a table.
///
/// [`write`](Self::write) once for a reply and once for each item of a stream, then [`finish`](Self::finish). A cell
/// goes to the sink when it is met; only one that comes before its column's turn is kept.
#[derive(Debug)]
pub struct RowWriter<'s> {
    shape: &'s Shape,
    /// In the place of a shape that only values show.
    found: Option<Shape>,
    announced: bool,
}

impl<'s> RowWriter<'s> {
    /// A writer of rows of that shape.
    pub const fn new(shape: &'s Shape) -> Self {
        Self { shape, found: None, announced: false }
    }

    /// Writes a reply, or the next item of a stream.
    ///
    /// # Errors
    /// The value is not of the type the shape was made of (a field it does not have, a cell of another kind), later
    /// items of a stream of no known type have a field that the first had not, or the sink refuses something. The
    /// sink may then hold a part of a row.
    pub fn write<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        sink: &mut dyn RowSink,
    ) -> Result<(), EncodeError> {
        if self.found.is_none() {
            self.found = match self.shape.layout {
                Layout::Dynamic => Some(inference::of_reply(value)?),
                Layout::DynamicItem => Some(inference::of_item(value)?),
                _ => None,
            };
        }
        self.announce(sink)?;
        let Shape { columns, layout } = self.found.as_ref().unwrap_or(self.shape);
        match *layout {
            Layout::One(row) => write_row(value, row, Empty::NoRow, columns, sink),
            Layout::Item(row) => write_row(value, row, Empty::Nulls, columns, sink),
            Layout::Each(row) => many(value, Rows { row: Some(row), columns, sink }),
            Layout::Entries => many(value, Rows { row: None, columns, sink }),
            // What is dynamic was found out above.
            Layout::Nothing | Layout::Dynamic | Layout::DynamicItem => Ok(()),
        }
    }

    /// Ends the table: announces the columns of a stream without items.
    ///
    /// # Errors
    /// The sink refuses the columns.
    pub fn finish(mut self, sink: &mut dyn RowSink) -> Result<(), EncodeError> {
        if self.found.is_none() && self.shape.columns().is_none() {
            self.found = Some(inference::one_column(Layout::Item(Row::Value)));
        }
        self.announce(sink)
    }

    fn announce(&mut self, sink: &mut dyn RowSink) -> Result<(), EncodeError> {
        if std::mem::replace(&mut self.announced, true) {
            return Ok(());
        }
        sink.columns(&self.found.as_ref().unwrap_or(self.shape).columns)
    }
}

fn many<T: Serialize + ?Sized>(value: &T, mut rows: Rows<'_>) -> Result<(), EncodeError> {
    if split(value, &mut rows)? {
        return Ok(());
    }
    let wanted = if rows.row.is_none() { "map" } else { "list" };
    Err(EncodeError::new(format!("the reply's type is a {wanted}, its value is none")))
}

/// The elements of a list or the entries of a map, each a row.
struct Rows<'a> {
    /// What elements are; none for a map.
    row: Option<Row>,
    columns: &'a [Column],
    sink: &'a mut dyn RowSink,
}

impl Parts for Rows<'_> {
    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError> {
        Ok(match self.row {
            Some(_) => matches!(kind, CompoundKind::List | CompoundKind::Tuple),
            None => kind == CompoundKind::Map,
        })
    }

    fn part<T: Serialize + ?Sized>(&mut self, name: Name<'_>, value: &T) -> Result<(), EncodeError> {
        let Some(row) = self.row else {
            let mut columns = self.columns.iter();
            self.sink.begin_row()?;
            if let Name::Key(key) = name {
                put(columns.next(), key.get(), self.sink)?;
            }
            let (column, sink) = (columns.next(), &mut *self.sink);
            write_cell(value, &mut |cell| put(column, cell, sink))?;
            return self.sink.end_row();
        };
        write_row(value, row, Empty::Nulls, self.columns, self.sink)
    }
}
