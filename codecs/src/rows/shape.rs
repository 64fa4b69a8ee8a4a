//! Which columns a reply has, and how its values are spread over rows.

use super::cell::Cell;
use crate::schema::{MAX_ELEMENTS, Node, NodeId, Schema};
use std::{borrow::Cow, fmt};

/// What the cells of a column are; one that is not [`Kind::Json`] has no others, but for NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Cell::Bool`].
    Bool,
    /// [`Cell::Int`] of so many bits: 8 to 128.
    Int(u8),
    /// [`Cell::Uint`] of so many bits: 8 to 128.
    Uint(u8),
    /// [`Cell::Float32`] or [`Cell::Float`], by its bits.
    Float(u8),
    /// [`Cell::Text`].
    Text,
    /// [`Cell::Bytes`].
    Bytes,
    /// [`Cell::Time`].
    Time,
    /// [`Cell::Json`] for lists, maps and structs; other values, where the type does not say which, as cells of their
    /// own kind.
    Json,
}

impl Kind {
    fn of(schema: &Schema, id: NodeId) -> Self {
        match schema.node(schema.without_options(id).0) {
            Node::Bool => Self::Bool,
            Node::Int(bits) => Self::Int(*bits),
            Node::Uint(bits) => Self::Uint(*bits),
            Node::Float(bits) => Self::Float(*bits),
            Node::Char | Node::Text => Self::Text,
            Node::Bytes | Node::GobEncoded | Node::BinaryMarshaled => Self::Bytes,
            Node::Time => Self::Time,
            Node::Enum { variants, .. } if schema.are_names(variants) => Self::Text,
            _ => Self::Json,
        }
    }

    /// The kind of a cell that nothing else is known of; a NULL has none.
    pub(super) fn of_cell(cell: &Cell<'_>) -> Option<Self> {
        Some(match cell {
            Cell::Null => return None,
            Cell::Bool(_) => Self::Bool,
            Cell::Int(value) if i64::try_from(*value).is_ok() => Self::Int(64),
            Cell::Int(_) => Self::Int(128),
            // As JSON has it, where only the value shows whether there is a sign.
            Cell::Uint(value) if i64::try_from(*value).is_ok() => Self::Int(64),
            Cell::Uint(value) if u64::try_from(*value).is_ok() => Self::Uint(64),
            Cell::Uint(_) => Self::Uint(128),
            Cell::Float32(_) => Self::Float(32),
            Cell::Float(_) => Self::Float(64),
            Cell::Text(_) => Self::Text,
            Cell::Bytes(_) => Self::Bytes,
            Cell::Time(_) => Self::Time,
            Cell::Json(_) => Self::Json,
        })
    }

    /// The kind that has the cells of both.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a.max(b)),
            (Self::Uint(a), Self::Uint(b)) => Self::Uint(a.max(b)),
            (a, b) if a == b => a,
            _ => Self::Json,
        }
    }

    /// The cell as this kind has it, if it can.
    pub(super) fn fit(self, cell: Cell<'_>) -> Option<Cell<'_>> {
        let cell = match (self, cell) {
            (Self::Int(_), Cell::Uint(value)) => Cell::Int(value.try_into().ok()?),
            (Self::Uint(_), Cell::Int(value)) => Cell::Uint(value.try_into().ok()?),
            (_, cell) => cell,
        };
        let fits = match (self, cell) {
            (_, Cell::Null) | (Self::Json, _) => true,
            (Self::Int(bits), Cell::Int(value)) => {
                let unused = 128 - u32::from(bits.clamp(1, 128));
                value << unused >> unused == value
            }
            (Self::Uint(bits), Cell::Uint(value)) => value.checked_shr(bits.into()).unwrap_or(0) == 0,
            _ => Self::of_cell(&cell) == Some(self),
        };
        fits.then_some(cell)
    }
}

impl fmt::Display for Kind {
    /// `bool`, `int64`, `uint8`, `float32`, `text`, `bytes`, `time`, `json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int(bits) => write!(f, "int{bits}"),
            Self::Uint(bits) => write!(f, "uint{bits}"),
            Self::Float(bits) => write!(f, "float{bits}"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Time => f.write_str("time"),
            Self::Json => f.write_str("json"),
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The field's name; `1` to `n` in tuples, `key` and `value` of a map, else `value`.
    pub name: Cow<'static, str>,
    /// What its cells are. Any of them may be NULL: an empty `Option`, or a field that a value leaves out.
    pub kind: Kind,
}

impl Column {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        Self { name: name.into(), kind }
    }

    fn of(name: impl Into<Cow<'static, str>>, schema: &Schema, id: NodeId) -> Self {
        Self::new(name, Kind::of(schema, id))
    }
}

/// What one row is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// The fields of a struct, by name.
    Fields,
    /// The elements of a tuple.
    Elements,
    /// One value.
    Value,
}

/// How a value is spread over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// No rows.
    Nothing,
    /// One row, none for an empty option.
    One(Row),
    /// One row, of NULLs for an empty option.
    Item(Row),
    /// A row for each element.
    Each(Row),
    /// A row for each entry of a map.
    Entries,
    /// As the value shows.
    Dynamic,
    /// One row, as the first item shows.
    DynamicItem,
}

/// The table that replies of one type are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub(super) columns: Vec<Column>,
    pub(super) layout: Layout,
}

impl Shape {
    /// The shape of a reply of that type, or of a stream of items of that type.
    ///
    /// ```
    /// use rpcwrap_codecs::{rows::{Kind, Shape}, schema::Schema};
    /// let shape = Shape::of(&Schema::of::<Vec<(String, Option<u32>)>>(), false);
    /// let columns = shape.columns().unwrap();
    /// assert_eq!((&*columns[1].name, columns[1].kind), ("2", Kind::Uint(32)));
    /// assert!(shape.is_many());
    /// assert_eq!(Shape::of(&Schema::of::<serde_json::Value>(), false).columns(), None);
    /// ```
    pub fn of(schema: &Schema, streaming: bool) -> Self {
        let root = schema.without_options(schema.root()).0;
        if streaming {
            return Self::with_rows(columns(schema, root), Layout::Item, Layout::DynamicItem);
        }
        match schema.node(root) {
            Node::Unit => Self { columns: Vec::new(), layout: Layout::Nothing },
            Node::Map(key, value) => {
                let columns = vec![Column::of("key", schema, *key), Column::of("value", schema, *value)];
                Self { columns, layout: Layout::Entries }
            }
            Node::List(element) => Self::with_rows(columns(schema, *element), Layout::Each, Layout::Dynamic),
            _ => Self::with_rows(columns(schema, root), Layout::One, Layout::Dynamic),
        }
    }

    fn with_rows(found: Option<(Row, Vec<Column>)>, layout: fn(Row) -> Layout, dynamic: Layout) -> Self {
        match found {
            Some((row, columns)) => Self { columns, layout: layout(row) },
            None => Self { columns: Vec::new(), layout: dynamic },
        }
    }

    /// The shape of a reply, or of a stream, that only its values show: for what has no traced type.
    pub const fn dynamic(streaming: bool) -> Self {
        let layout = if streaming { Layout::DynamicItem } else { Layout::Dynamic };
        Self { columns: Vec::new(), layout }
    }

    /// The columns; `None` where only values show them.
    pub fn columns(&self) -> Option<&[Column]> {
        match self.layout {
            Layout::Dynamic | Layout::DynamicItem => None,
            _ => Some(&self.columns),
        }
    }

    /// Whether there may be any number of rows; else it is one, or none for an empty `Option`.
    pub const fn is_many(&self) -> bool {
        !matches!(self.layout, Layout::Nothing | Layout::One(_))
    }
}

/// What a row of a type is made of, and its columns; `None` where only its values show.
fn columns(schema: &Schema, id: NodeId) -> Option<(Row, Vec<Column>)> {
    let id = schema.without_options(id).0;
    let numbered = |nodes: &mut dyn Iterator<Item = NodeId>| {
        let columns = nodes.enumerate().map(|(at, node)| Column::of((at + 1).to_string(), schema, node));
        (Row::Elements, columns.collect())
    };
    Some(match schema.node(id) {
        Node::Any | Node::Untyped(_) | Node::Map(..) => return None,
        Node::Struct { fields, .. } if !fields.is_empty() => {
            let columns = fields.iter().map(|field| Column::of(field.name, schema, field.node));
            (Row::Fields, columns.collect())
        }
        Node::Tuple(elements) if !elements.is_empty() => numbered(&mut elements.iter().copied()),
        // As tuples: no longer ones have been traced as such.
        Node::Array(element, len) if (1..=MAX_ELEMENTS).contains(len) => {
            numbered(&mut std::iter::repeat_n(*element, *len))
        }
        _ => (Row::Value, vec![Column::of("value", schema, id)]),
    })
}
