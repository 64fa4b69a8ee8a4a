//! The static type of an argument or a reply, found by asking its `Deserialize` implementation.
//!
//! serde shows values, but some formats need the type before the value (gob's definitions, MySQL's columns of an
//! empty list) and some pages need it without any (`/debug/rpc`, `describe --template`). A [`Schema`] is that type
//! as a graph of [`Node`]s; [`TypeOf`] traces it when it is first asked for and keeps it. Knows serde's calls and
//! the newtypes of [`types`](crate::types), and no codec.

mod go;
mod pass;
mod pass_end;
mod sample;
mod template;
#[cfg(test)]
mod tests;
mod trace;

use serde::Deserialize;
use std::{fmt, sync::OnceLock};
pub(crate) use trace::MAX_ELEMENTS;

/// A type as serde describes it, in the form binary formats see (`is_human_readable()` is false).
///
/// Nodes refer to each other by [`NodeId`], so recursive types end. Newtypes, boxes and references are
/// transparent; a struct's fields have the names it is read by, aliases left out.
///
/// ```
/// use rpcwrap_codecs::schema::Schema;
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Args { rows: Vec<i64>, note: Option<String> }
///
/// let schema = Schema::of::<Args>();
/// assert_eq!(schema.to_go(), "Args");
/// assert_eq!(schema.template().to_string(), r#"{"Note":"","Rows":[0]}"#);
/// assert_eq!(Schema::of::<std::collections::BTreeMap<String, Vec<i64>>>().to_go(), "map[string][]int64");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    nodes: Vec<Node>,
}

/// Names one [`Node`] of the [`Schema`] it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// Its place among [`Schema::nodes`].
    pub const fn number(self) -> usize {
        self.0
    }
}

/// What a type, or a part of one, is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// `bool`.
    Bool,
    /// A signed integer of so many bits: 8 to 128.
    Int(u8),
    /// An unsigned integer of so many bits: 8 to 128.
    Uint(u8),
    /// A floating-point number of 32 or 64 bits.
    Float(u8),
    /// One character.
    Char,
    /// A text, in UTF-8 or as [`types::Text`](crate::types::Text) has it.
    Text,
    /// Bytes as [`types::Blob`](crate::types::Blob) and `serde_bytes` have them; a `Vec<u8>` is a list.
    Bytes,
    /// [`types::Time`](crate::types::Time).
    Time,
    /// [`types::Complex`](crate::types::Complex).
    Complex,
    /// [`types::GobEncoded`](crate::types::GobEncoded).
    GobEncoded,
    /// [`types::BinaryMarshaled`](crate::types::BinaryMarshaled).
    BinaryMarshaled,
    /// [`types::Any`](crate::types::Any): Go's `interface{}`, whose kind each value brings along.
    Any,
    /// `()` and structs without members.
    Unit,
    /// Something or nothing: Go's pointer.
    Option(NodeId),
    /// A list of any length.
    List(NodeId),
    /// So many elements of one type: an array, or a tuple of like elements.
    Array(NodeId, usize),
    /// A tuple of unlike elements, or of none.
    Tuple(Vec<NodeId>),
    /// A map: keys, values.
    Map(NodeId, NodeId),
    /// A struct with named fields, in the order of their declaration.
    Struct {
        /// The type's name as serde has it.
        name: &'static str,
        /// The fields that are read.
        fields: Vec<Field>,
    },
    /// An enum in serde's default form, where each variant says its name.
    Enum {
        /// The type's name as serde has it.
        name: &'static str,
        /// The variants; one without data is a [`Node::Unit`].
        variants: Vec<Field>,
    },
    /// A type whose form cannot be told without a value.
    Untyped(Untyped),
}

/// A field of a struct, or a variant of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its type.
    pub node: NodeId,
}

/// Why a part of a type has no static form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untyped {
    /// It takes a value of any form: `serde_json::Value`, untagged and internally tagged enums.
    AnyForm,
    /// `#[serde(flatten)]`: its fields are not announced.
    Flattened,
    /// It contains itself and nothing else.
    Endless,
    /// More than a trace goes into: over 20 000 parts, or 100 levels of ever new types.
    TooLarge,
    /// Its `Deserialize` gave no answer; what it said instead.
    Unanswered(Box<str>),
}

impl Schema {
    /// Traces `T`, which takes about a microsecond for a struct of two fields.
    ///
    /// `'static` rather than `DeserializeOwned`, so that replies such as `&'static str` have a type too.
    ///
    /// No value of a peer is needed and hardly one of `T`'s is built: `T::deserialize` runs several times, each time
    /// along one path whose end is an error. An implementation that panics at that error is caught; the panic's
    /// message still reaches the program's panic hook, and with `panic = "abort"` it ends the program.
    pub fn of<T: Deserialize<'static>>() -> Self {
        trace::trace(|pass| T::deserialize(pass::Probe::new(pass)).map(drop))
    }

    /// The type itself.
    pub const fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The node of a name given out by this schema.
    pub fn node(&self, id: NodeId) -> &Node {
        const FOREIGN: &Node = &Node::Untyped(Untyped::AnyForm);
        self.nodes.get(id.0).unwrap_or(FOREIGN)
    }

    /// All nodes, each with its name; the root first.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(number, node)| (NodeId(number), node))
    }

    /// Whether the form of every value of this type is known beforehand: no part is [`Node::Untyped`].
    pub fn is_static(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node, Node::Untyped(_)))
    }

    /// Whether a struct in it has fields that serde flattens.
    pub fn has_flattened(&self) -> bool {
        self.nodes.contains(&Node::Untyped(Untyped::Flattened))
    }

    /// Whether no variant of an enum holds data: its values are names.
    pub(crate) fn are_names(&self, variants: &[Field]) -> bool {
        variants.iter().all(|variant| *self.node(variant.node) == Node::Unit)
    }

    /// The node behind any number of options, and whether there were some.
    pub fn without_options(&self, mut id: NodeId) -> (NodeId, bool) {
        let mut optional = false;
        // No schema has a chain of options that ends in itself: the trace calls that endless.
        while let Node::Option(inner) = self.node(id) {
            (id, optional) = (*inner, true);
        }
        (id, optional)
    }
}

/// A type that is traced when its schema is first asked for, and then kept.
///
/// Cheap to make, in constants too, so that every method can have one and only those pay for it whose codec or page
/// wants the type.
///
/// ```
/// use rpcwrap_codecs::schema::TypeOf;
/// static REPLY: TypeOf = TypeOf::new::<Vec<String>>();
/// assert_eq!(REPLY.schema().to_go(), "[]string");
/// ```
pub struct TypeOf {
    trace: fn() -> Schema,
    traced: OnceLock<Schema>,
}

impl TypeOf {
    /// The type `T`, not traced yet.
    pub const fn new<T: Deserialize<'static>>() -> Self {
        Self { trace: Schema::of::<T>, traced: OnceLock::new() }
    }

    /// The type; traced by the first caller, for whom others wait.
    pub fn schema(&self) -> &Schema {
        self.traced.get_or_init(self.trace)
    }

    /// A number that no other type has while the program runs; one type may have several.
    pub(crate) fn key(&self) -> usize {
        self.trace as usize
    }
}

impl fmt::Debug for TypeOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.traced.get() {
            Some(schema) => write!(f, "TypeOf({})", schema.to_go()),
            None => f.write_str("TypeOf(not traced yet)"),
        }
    }
}
