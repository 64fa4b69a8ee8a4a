//! A value of a type to start from, for people who fill in arguments by hand.

use super::{Node, NodeId, Schema};
use crate::types::Time;
use serde_json::{Value, json};

/// Levels of a template; what lies deeper is left out.
const MAX_DEPTH: usize = 6;

impl Schema {
    /// A JSON value of the type with every field in it: zeros and empty texts, one element in each list and map
    /// (under the key `""`, `"0"` for numbers), the first variant of an enum.
    ///
    /// At most six levels deep; below, and where a type contains itself, lists and maps are empty and the rest is
    /// `null`.
    pub fn template(&self) -> Value {
        self.template_of(self.root(), &mut Vec::new())
    }

    fn template_of(&self, id: NodeId, around: &mut Vec<NodeId>) -> Value {
        let (id, _) = self.without_options(id);
        let ends = around.len() >= MAX_DEPTH || around.contains(&id);
        around.push(id);
        let value = match self.node(id) {
            Node::Bool => json!(false),
            Node::Int(_) | Node::Uint(_) => json!(0),
            Node::Float(_) => json!(0.0),
            Node::Char | Node::Text | Node::Bytes | Node::GobEncoded | Node::BinaryMarshaled => json!(""),
            Node::Time => json!(Time::default().to_string()),
            Node::Complex => json!([0.0, 0.0]),
            Node::List(_) if ends => json!([]),
            Node::Map(..) if ends => json!({}),
            Node::List(element) => json!([self.template_of(*element, around)]),
            Node::Map(key, value) => {
                let key = match self.template_of(*key, around) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                json!({ key: self.template_of(*value, around) })
            }
            _ if ends => Value::Null,
            Node::Array(element, len) => {
                let element = self.template_of(*element, around);
                Value::Array(vec![element; (*len).min(super::MAX_ELEMENTS)])
            }
            Node::Tuple(elements) => {
                elements.iter().map(|element| self.template_of(*element, around)).collect()
            }
            Node::Struct { fields, .. } => {
                fields.iter().map(|field| (field.name, self.template_of(field.node, around))).collect()
            }
            Node::Enum { variants, .. } => match variants.first() {
                Some(variant) if *self.node(variant.node) == Node::Unit => json!(variant.name),
                Some(variant) => json!({ variant.name: self.template_of(variant.node, around) }),
                None => Value::Null,
            },
            // `Option` cannot be here.
            Node::Any | Node::Unit | Node::Option(_) | Node::Untyped(_) => Value::Null,
        };
        around.pop();
        value
    }
}
