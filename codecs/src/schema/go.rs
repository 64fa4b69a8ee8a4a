//! A type as Go would write it, for signatures that people read.

use super::{Node, NodeId, Schema};
use std::fmt::{self, Write};

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
        // Writing to a String cannot fail.
        let _ = self.write_go(id, &mut Vec::new(), &mut text);
        text
    }

    fn write_go(&self, id: NodeId, around: &mut Vec<NodeId>, text: &mut String) -> fmt::Result {
        if around.contains(&id) {
            return text.write_str("...");
        }
        around.push(id);
        match self.node(id) {
            Node::Bool => text.write_str("bool"),
            Node::Int(bits) => write!(text, "int{bits}"),
            Node::Uint(bits) => write!(text, "uint{bits}"),
            Node::Float(bits) => write!(text, "float{bits}"),
            Node::Char | Node::Text => text.write_str("string"),
            Node::Bytes => text.write_str("[]byte"),
            Node::Time => text.write_str("time.Time"),
            Node::Complex => text.write_str("complex128"),
            Node::GobEncoded => text.write_str("gob.GobEncoder"),
            Node::BinaryMarshaled => text.write_str("encoding.BinaryMarshaler"),
            Node::Any | Node::Untyped(_) => text.write_str("interface {}"),
            Node::Unit => text.write_str("struct {}"),
            Node::Struct { name, .. } => text.write_str(name),
            Node::Enum { variants, .. } if self.are_names(variants) => text.write_str("string"),
            Node::Enum { .. } => text.write_str("interface {}"),
            Node::Tuple(_) => text.write_str("[]interface {}"),
            Node::Option(inner) => {
                text.push('*');
                self.write_go(*inner, around, text)
            }
            Node::List(element) => {
                text.push_str("[]");
                self.write_go(*element, around, text)
            }
            Node::Array(element, len) => {
                write!(text, "[{len}]")?;
                self.write_go(*element, around, text)
            }
            Node::Map(key, value) => {
                text.push_str("map[");
                self.write_go(*key, around, text)?;
                text.push(']');
                self.write_go(*value, around, text)
            }
        }?;
        around.pop();
        Ok(())
    }
}
