//! A type as Go would write it, for signatures that people read.

use super::{Node, NodeId, Schema};
use std::fmt::Write;

impl Schema {
    /// The type in Go's words: `Args`, `[]string`, `map[string]int64`, `*Inner`, `interface {}`.
    ///
    /// Structs are named and not spelled out. What Go has no word for is `interface {}`: tuples of unlike elements
    /// are lists of it, enums with data and types without a static form are it. A list that contains itself ends
    /// in `...`.
    pub fn to_go(&self) -> String {
        self.to_go_of(self.root())
    }

    /// The name of one part of the type, as [`to_go`](Self::to_go) has it.
    pub fn to_go_of(&self, id: NodeId) -> String {
        let mut text = String::new();
        self.write_go(id, &mut Vec::new(), &mut text);
        text
    }

    fn write_go(&self, id: NodeId, around: &mut Vec<NodeId>, text: &mut String) {
        if around.contains(&id) {
            text.push_str("...");
            return;
        }
        around.push(id);
        // Writing to a String cannot fail.
        let _ = match self.node(id) {
            Node::Bool => write!(text, "bool"),
            Node::Int(bits) => write!(text, "int{bits}"),
            Node::Uint(bits) => write!(text, "uint{bits}"),
            Node::Float(bits) => write!(text, "float{bits}"),
            Node::Char | Node::Text => write!(text, "string"),
            Node::Bytes => write!(text, "[]byte"),
            Node::Time => write!(text, "time.Time"),
            Node::Complex => write!(text, "complex128"),
            Node::GobEncoded => write!(text, "gob.GobEncoder"),
            Node::BinaryMarshaled => write!(text, "encoding.BinaryMarshaler"),
            Node::Any | Node::Untyped(_) => write!(text, "interface {{}}"),
            Node::Unit => write!(text, "struct {{}}"),
            Node::Struct { name, .. } => write!(text, "{name}"),
            Node::Enum { variants, .. } => {
                let plain = variants.iter().all(|variant| *self.node(variant.node) == Node::Unit);
                write!(text, "{}", if plain { "string" } else { "interface {}" })
            }
            Node::Tuple(_) => write!(text, "[]interface {{}}"),
            Node::Option(inner) => {
                text.push('*');
                self.write_go(*inner, around, text);
                Ok(())
            }
            Node::List(element) => {
                text.push_str("[]");
                self.write_go(*element, around, text);
                Ok(())
            }
            Node::Array(element, len) => {
                let written = write!(text, "[{len}]");
                self.write_go(*element, around, text);
                written
            }
            Node::Map(key, value) => {
                text.push_str("map[");
                self.write_go(*key, around, text);
                text.push(']');
                self.write_go(*value, around, text);
                Ok(())
            }
        };
        around.pop();
    }
}
