//! One row: the parts of a value brought into the order of the columns.

use super::{
    cell::{Cell, OwnedCell, RowSink},
    cell_serializer::write_cell,
    shape::{Column, Row},
    split::{CompoundKind, Name, Parts, split},
};
use crate::error::EncodeError;
use serde::Serialize;
use std::borrow::Cow;

/// What becomes of a row that is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// There is no row.
    NoRow,
    /// All its cells are NULL.
    Nulls,
}

/// Writes `value` as one row.
pub(super) fn write_row<T: Serialize + ?Sized>(
    value: &T,
    row: Row,
    empty: Empty,
    columns: &[Column],
    sink: &mut dyn RowSink,
) -> Result<(), EncodeError> {
    if row == Row::Value {
        return write_cell(value, &mut |cell| {
            if cell == Cell::Null && empty == Empty::NoRow {
                return Ok(());
            }
            sink.begin_row()?;
            put(columns.first(), cell, sink)?;
            sink.end_row()
        });
    }
    let mut parts = RowParts { row, empty, columns, sink, next: 0, waiting: Vec::new() };
    if split(value, &mut parts)? {
        return Ok(());
    }
    let wanted = if row == Row::Fields { "with fields" } else { "of a tuple" };
    Err(EncodeError::new(format!("the reply's type is a row {wanted}, its value is not")))
}

/// Hands over a cell that has to fit its column.
pub(super) fn put(
    column: Option<&Column>,
    cell: Cell<'_>,
    sink: &mut dyn RowSink,
) -> Result<(), EncodeError> {
    let Some(column) = column else {
        return Err(EncodeError::new("the reply has more values than its type has columns"));
    };
    match column.kind.fit(cell) {
        Some(cell) => sink.cell(cell),
        None => {
            let Column { name, kind } = column;
            Err(EncodeError::new(format!(
                "column {name} of the reply is of the kind {kind}, its value is not: {cell}"
            )))
        }
    }
}

struct RowParts<'a> {
    row: Row,
    empty: Empty,
    columns: &'a [Column],
    sink: &'a mut dyn RowSink,
    /// The column that is due.
    next: usize,
    /// Cells that came before their time, by their column; as long as one needs it.
    waiting: Vec<Option<OwnedCell>>,
}

impl RowParts<'_> {
    /// The column a part belongs to.
    fn place(&self, name: &str) -> Result<usize, EncodeError> {
        if self.columns.get(self.next).is_some_and(|column| column.name == name) {
            return Ok(self.next);
        }
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            EncodeError::new(format!("field {name} of the reply is none that its type announces"))
        })
    }

    /// Hands over the cells that are due and have come.
    fn catch_up(&mut self) -> Result<(), EncodeError> {
        while let Some(cell) = self.waiting.get_mut(self.next).and_then(Option::take) {
            put(self.columns.get(self.next), cell.get(), self.sink)?;
            self.next += 1;
        }
        Ok(())
    }
}

impl Parts for RowParts<'_> {
    fn null(&mut self) -> Result<(), EncodeError> {
        if self.empty == Empty::NoRow {
            return Ok(());
        }
        self.sink.begin_row()?;
        self.end()
    }

    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError> {
        let fits = match self.row {
            Row::Fields => matches!(kind, CompoundKind::Struct | CompoundKind::Map),
            Row::Elements => matches!(kind, CompoundKind::Tuple | CompoundKind::List),
            Row::Value => false,
        };
        if fits {
            self.sink.begin_row()?;
        }
        Ok(fits)
    }

    fn part<T: Serialize + ?Sized>(&mut self, name: Name<'_>, value: &T) -> Result<(), EncodeError> {
        let at = match name {
            Name::None => self.next,
            Name::Field(name) => self.place(name)?,
            Name::Key(key) => self.place(&key_text(key))?,
        };
        if at == self.next {
            let (column, sink) = (self.columns.get(at), &mut *self.sink);
            write_cell(value, &mut |cell| put(column, cell, sink))?;
            self.next += 1;
            return self.catch_up();
        }
        if self.waiting.len() <= at {
            self.waiting.resize(at + 1, None);
        }
        if at < self.next || self.waiting.get(at).is_some_and(Option::is_some) {
            let name = self.columns.get(at).map(|column| &*column.name).unwrap_or_default();
            return Err(EncodeError::new(format!("field {name} of the reply is there twice")));
        }
        write_cell(value, &mut |cell| {
            if let Some(slot) = self.waiting.get_mut(at) {
                *slot = Some(OwnedCell::new(cell));
            }
            Ok(())
        })
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        if self.row == Row::Elements && self.next > 0 && self.next < self.columns.len() {
            let (has, wants) = (self.next, self.columns.len());
            return Err(EncodeError::new(format!("a row of the reply has {has} values, its type {wants}")));
        }
        while self.next < self.columns.len() {
            let cell = self.waiting.get_mut(self.next).and_then(Option::take);
            let cell = cell.as_ref().map_or(Cell::Null, OwnedCell::get);
            put(self.columns.get(self.next), cell, self.sink)?;
            self.next += 1;
        }
        self.sink.end_row()
    }
}

/// The key of a map as the name of a column.
pub(super) fn key_text(key: &OwnedCell) -> Cow<'_, str> {
    match key.get() {
        Cell::Text(text) => String::from_utf8_lossy(text),
        cell => cell.to_string().into(),
    }
}
