//! The shape of a value whose type does not say it: found by going through the value once.

use super::{
    cell_serializer::kind_of,
    row::key_text,
    shape::{Column, Kind, Layout, Row, Shape},
    split::{CompoundKind, Name, Parts, split},
};
use crate::error::EncodeError;
use serde::Serialize;

/// The most columns that values show; with more there is one column of JSON.
const MAX_COLUMNS: usize = 1000;

/// The shape of a whole reply.
pub(super) fn of_reply<T: Serialize + ?Sized>(value: &T) -> Result<Shape, EncodeError> {
    let mut list = List { inference: Inference::default(), is_null: false };
    if !split(value, &mut list)? {
        let mut inference = Inference::default();
        inference.row(value)?;
        return Ok(inference.shape(Layout::One));
    }
    if list.is_null {
        return Ok(Shape { columns: Vec::new(), layout: Layout::Nothing });
    }
    Ok(list.inference.shape(Layout::Each))
}

/// The shape of a stream that starts with this item. Later ones may be of other kinds.
pub(super) fn of_item<T: Serialize + ?Sized>(item: &T) -> Result<Shape, EncodeError> {
    let mut inference = Inference::default();
    inference.row(item)?;
    let mut shape = inference.shape(Layout::Item);
    shape.columns.iter_mut().for_each(|column| column.kind = Kind::Json);
    Ok(shape)
}

/// One column of anything.
pub(super) fn one_column(layout: Layout) -> Shape {
    Shape { columns: vec![Column::new("value", Kind::Json)], layout }
}

/// What the rows so far have shown.
#[derive(Debug, Default)]
struct Inference {
    /// Unless all were nothing.
    row: Option<Row>,
    /// The columns with their kinds, unless all their cells were NULL.
    columns: Vec<(String, Option<Kind>)>,
    /// The rows have no columns in common, or too many: each is one value.
    is_mixed: bool,
}

impl Inference {
    fn row<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if self.is_mixed {
            return Ok(());
        }
        if !split(value, &mut Parted { inference: self, next: 0 })? {
            self.is(Row::Value);
            self.column(0, "value", kind_of(value)?);
        }
        Ok(())
    }

    fn is(&mut self, row: Row) {
        self.is_mixed |= *self.row.get_or_insert(row) != row;
    }

    fn column(&mut self, next: usize, name: &str, kind: Option<Kind>) {
        let is_next = self.columns.get(next).is_some_and(|(known, _)| known == name);
        let at = if is_next { Some(next) } else { self.columns.iter().position(|(known, _)| known == name) };
        if let Some((_, known)) = at.and_then(|at| self.columns.get_mut(at)) {
            *known = known.zip(kind).map(|(known, kind)| known.or(kind)).or(*known).or(kind);
        } else if self.columns.len() == MAX_COLUMNS {
            self.is_mixed = true;
        } else {
            self.columns.push((name.to_owned(), kind));
        }
    }

    fn shape(self, layout: fn(Row) -> Layout) -> Shape {
        match self.row {
            Some(row) if !self.is_mixed && !self.columns.is_empty() => {
                let columns = self.columns.into_iter();
                let columns = columns.map(|(name, kind)| Column::new(name, kind.unwrap_or(Kind::Json)));
                Shape { columns: columns.collect(), layout: layout(row) }
            }
            _ => one_column(layout(Row::Value)),
        }
    }
}

/// The elements of a list, which are rows.
struct List {
    inference: Inference,
    is_null: bool,
}

impl Parts for List {
    fn null(&mut self) -> Result<(), EncodeError> {
        self.is_null = true;
        Ok(())
    }

    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError> {
        Ok(kind == CompoundKind::List)
    }

    fn part<T: Serialize + ?Sized>(&mut self, _: Name<'_>, value: &T) -> Result<(), EncodeError> {
        self.inference.row(value)
    }
}

/// The parts of a row.
struct Parted<'s> {
    inference: &'s mut Inference,
    next: usize,
}

impl Parts for Parted<'_> {
    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError> {
        match kind {
            CompoundKind::List => return Ok(false),
            CompoundKind::Tuple => self.inference.is(Row::Elements),
            CompoundKind::Struct | CompoundKind::Map => self.inference.is(Row::Fields),
        }
        Ok(true)
    }

    fn part<T: Serialize + ?Sized>(&mut self, name: Name<'_>, value: &T) -> Result<(), EncodeError> {
        if self.inference.is_mixed {
            return Ok(());
        }
        let kind = kind_of(value)?;
        match name {
            Name::None => self.inference.column(self.next, &(self.next + 1).to_string(), kind),
            Name::Field(name) => self.inference.column(self.next, name, kind),
            Name::Key(key) => self.inference.column(self.next, &key_text(key), kind),
        }
        self.next += 1;
        Ok(())
    }
}
