//! Types of ours from traced ones.
//!
//! Types of one form are one type, wherever they come from: Go compares ids where a type of its own turns up twice.

use super::{Field, Form, Progress, TIME, Table, Variant};
use crate::{
    gob::{
        ser::SerError,
        types::{Id, Marshaler},
    },
    schema::{Node, NodeId, Schema},
};
use std::collections::HashMap;

impl Table {
    /// The id for values of a traced type; `None` if gob has no form for some part of it, or it is not static.
    ///
    /// # Errors
    /// The table is full.
    pub(super) fn of_schema(&mut self, schema: &Schema) -> Result<Option<Id>, SerError> {
        if !schema.is_static() {
            return Ok(None);
        }
        self.of_node(schema, schema.root(), &mut HashMap::new())
    }

    /// `progress` is that of all nodes, by their number.
    fn of_node(
        &mut self,
        schema: &Schema,
        node: NodeId,
        progress: &mut HashMap<usize, Progress>,
    ) -> Result<Option<Id>, SerError> {
        // A static schema has no option that contains itself.
        let (node, _) = schema.without_options(node);
        let id = match schema.node(node) {
            Node::Bool => Id::BOOL,
            Node::Int(8..=64) => Id::INT,
            Node::Uint(8..=64) => Id::UINT,
            Node::Float(_) => Id::FLOAT,
            Node::Char | Node::Text => Id::STRING,
            Node::Bytes => Id::BYTES,
            Node::Time => TIME,
            Node::Complex => Id::COMPLEX,
            Node::Any => Id::INTERFACE,
            Node::Enum { variants, .. } if schema.are_names(variants) => Id::STRING,
            Node::Enum { name, variants } => {
                // Said first: a variant may contain the enum.
                let known = progress.insert(node.number(), Progress::Known(Id::INTERFACE));
                for variant in variants.iter().filter(|_| known.is_none()) {
                    // One without a form can be read and not written.
                    if let Some(id) = self.of_node(schema, variant.node, progress)? {
                        self.variants.push(Variant { of: name, name: variant.name, id });
                    }
                }
                Id::INTERFACE
            }
            _ => {
                return self.recursive(progress, node.number(), |table, progress| {
                    table.form_of_node(schema, node, progress)
                });
            }
        };
        Ok(Some(id))
    }

    fn form_of_node(
        &mut self,
        schema: &Schema,
        node: NodeId,
        progress: &mut HashMap<usize, Progress>,
    ) -> Result<Option<Form>, SerError> {
        let mut part = |node: NodeId| self.of_node(schema, node, progress);
        Ok(match schema.node(node) {
            Node::Unit => Some(Form::EMPTY),
            Node::GobEncoded => Some(Form::Marshaled(Marshaler::Gob)),
            Node::BinaryMarshaled => Some(Form::Marshaled(Marshaler::Binary)),
            Node::List(elem) => part(*elem)?.map(|elem| Form::Slice { elem }),
            Node::Array(elem, len) => part(*elem)?.map(|elem| Form::Array { elem, len: *len }),
            Node::Map(key, elem) => match (part(*key)?, part(*elem)?) {
                (Some(key), Some(elem)) => Some(Form::Map { key, elem }),
                _ => None,
            },
            Node::Tuple(elements) => {
                let mut elems =
                    elements.iter().map(|element| part(*element)).collect::<Result<Vec<_>, _>>()?;
                elems.dedup();
                match elems.as_slice() {
                    [Some(elem)] => Some(Form::Array { elem: *elem, len: elements.len() }),
                    _ => None,
                }
            }
            Node::Struct { name, fields } => {
                let mut own = Vec::with_capacity(fields.len());
                for field in fields {
                    if *schema.node(schema.without_options(field.node).0) == Node::Unit {
                        // There is nothing to say about it, and Go's structs cannot say it.
                        continue;
                    }
                    let Some(id) = part(field.node)? else { return Ok(None) };
                    own.push(Field { name: field.name, id });
                }
                Some(Form::Struct { name, fields: own.into() })
            }
            _ => None,
        })
    }
}
