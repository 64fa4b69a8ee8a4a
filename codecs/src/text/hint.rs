//! What the traced type says of one part of the argument.

use crate::schema::{Field, Node, NodeId, Schema};

/// A part of a traced type; `None` where the trace does not reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hint<'s>(Option<(&'s Schema, NodeId)>);

impl<'s> Hint<'s> {
    pub(super) fn root(schema: Option<&'s Schema>) -> Self {
        Self(schema.map(|schema| (schema, schema.root())))
    }

    fn node(self) -> Option<&'s Node> {
        self.0.map(|(schema, id)| schema.node(id))
    }

    fn of(self, part: Option<NodeId>) -> Self {
        Self(self.0.zip(part).map(|((schema, _), id)| (schema, id)))
    }

    /// What an option may hold.
    pub(super) fn some(self) -> Self {
        self.of(match self.node() {
            Some(Node::Option(inner)) => Some(*inner),
            _ => None,
        })
    }

    fn without_options(self) -> Self {
        Self(self.0.map(|(schema, id)| (schema, schema.without_options(id).0)))
    }

    /// The fields of a struct; none if it is something else.
    pub(super) fn fields(self) -> &'s [Field] {
        match self.without_options().node() {
            Some(Node::Struct { fields, .. }) => fields,
            _ => &[],
        }
    }

    pub(super) fn field(self, name: &str) -> Self {
        self.of(self.fields().iter().find(|field| field.name == name).map(|field| field.node))
    }

    /// The element in that place of a list or tuple.
    pub(super) fn element(self, at: usize) -> Self {
        self.of(match self.without_options().node() {
            Some(Node::List(element) | Node::Array(element, _)) => Some(*element),
            Some(Node::Tuple(elements)) => elements.get(at).copied(),
            _ => None,
        })
    }

    /// The keys and the values of a map.
    pub(super) fn entries(self) -> (Self, Self) {
        match self.without_options().node() {
            Some(Node::Map(key, value)) => (self.of(Some(*key)), self.of(Some(*value))),
            _ => (Self(None), Self(None)),
        }
    }

    /// Whether it takes any token as it is.
    pub(super) fn is_text(self) -> bool {
        let node = self.without_options().node();
        matches!(node, Some(Node::Text | Node::Bytes | Node::GobEncoded | Node::BinaryMarshaled))
    }

    /// Whether it is a time.
    pub(super) fn is_time(self) -> bool {
        matches!(self.without_options().node(), Some(Node::Time))
    }

    /// Whether it is known to take one token, although it asks for a value of any form.
    pub(super) fn is_one(self) -> bool {
        self.is_text() || self.is_time()
    }

    /// Whether the word `null` is a value of its own: it may be a text, or its type is not known.
    pub(super) fn has_null(self) -> bool {
        self.0.is_none() || self.is_text()
    }

    /// The type in the words of Go, or `other` where it is not known.
    pub(super) fn name(self, other: &str) -> String {
        match self.without_options().0 {
            Some((schema, id)) => schema.to_go_of(id),
            None => other.to_owned(),
        }
    }
}
