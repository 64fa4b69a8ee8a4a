//! The types of a method: as Rust names them, as Go would, and as codecs want them.
//!
//! Known when the method is described, traced when first asked for; knows no service and no codec.

use crate::method::args::FromArgs;
use codecs::schema::{Schema, TypeOf};
use std::{any::type_name, fmt, sync::OnceLock};

/// The types of a method, as people read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The argument's type.
    pub args: String,
    /// The reply's type; for a streaming method that of one item.
    pub reply: String,
    /// Whether the method answers with a stream.
    pub streaming: bool,
    /// Whether the types are in Go's words (`Args`, `[]string`), which takes types that say what they are; else they
    /// are as Rust names them without their paths.
    pub in_go: bool,
    /// A JSON argument with every member in it, to start from; empty where the type does not say what it is.
    pub template: String,
}

impl fmt::Display for Signature {
    /// `(Args, *Quotient) error` as on Go's own page, `(Args) Quotient`, or `(Args) stream of Item`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { args, reply, .. } = self;
        match (self.streaming, self.in_go) {
            (true, _) => write!(f, "({args}) stream of {reply}"),
            (false, true) => write!(f, "({args}, *{reply}) error"),
            (false, false) => write!(f, "({args}) {reply}"),
        }
    }
}

/// The types of a method, each traced when it is wanted and then kept.
#[derive(Debug)]
pub(crate) struct Types {
    /// The names in Rust, paths and all.
    rust: (&'static str, &'static str),
    /// For arguments that only it explains.
    pub(crate) args: Option<TypeOf>,
    /// Of replies that can also be read, for codecs that need it before the value.
    pub(crate) reply: Option<TypeOf>,
    streaming: bool,
    shown: OnceLock<Signature>,
}

impl Types {
    pub(crate) fn new<A: FromArgs, R>(reply: Option<TypeOf>, streaming: bool) -> Self {
        let rust = (type_name::<A>(), type_name::<R>());
        Self { rust, args: A::type_of(), reply, streaming, shown: OnceLock::new() }
    }

    /// Whether the method answers with a stream.
    #[cfg(feature = "resp")]
    #[inline]
    pub(crate) fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// For people to read.
    pub(crate) fn signature(&self) -> &Signature {
        self.shown.get_or_init(|| {
            let args = self.args.as_ref().map(TypeOf::schema).filter(|schema| schema.is_static());
            let reply = self.reply.as_ref().map(TypeOf::schema).filter(|schema| schema.is_static());
            let template = args.map(|args| args.template().to_string()).unwrap_or_default();
            let (names, in_go) = match (args, reply) {
                (Some(args), Some(reply)) => ([args, reply].map(Schema::to_go), true),
                _ => ([self.rust.0, self.rust.1].map(short_name), false),
            };
            let [args, reply] = names;
            Signature { args, reply, streaming: self.streaming, in_go, template }
        })
    }
}

/// `alloc::vec::Vec<app::Item>` → `Vec<Item>`.
fn short_name(full: &str) -> String {
    let mut out = String::with_capacity(full.len());
    for piece in full.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        out.push_str(piece.rsplit("::").next().unwrap_or(piece));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only traced")]
    struct Args {
        a: i64,
        names: Vec<String>,
    }

    #[test]
    fn type_names_lose_their_paths() {
        for (full, short) in [
            ("i64", "i64"),
            ("alloc::vec::Vec<app::types::Item>", "Vec<Item>"),
            ("(alloc::string::String, core::option::Option<u8>)", "(String, Option<u8>)"),
            ("&str", "&str"),
        ] {
            assert_eq!(short_name(full), short);
        }
    }

    #[test]
    fn gos_words_where_both_types_say_what_they_are() {
        let of_go = Types::new::<Args, i64>(Some(TypeOf::new::<i64>()), false);
        assert_eq!(of_go.signature().to_string(), "(Args, *int64) error");
        let items = Types::new::<Args, Vec<String>>(Some(TypeOf::new::<Vec<String>>()), true);
        assert_eq!(items.signature().to_string(), "(Args) stream of []string");
        for unsaid in [
            Types::new::<Args, Vec<String>>(None, false),
            Types::new::<Args, Vec<String>>(Some(TypeOf::new::<serde_json::Value>()), false),
        ] {
            assert_eq!(unsaid.signature().to_string(), "(Args) Vec<String>");
            assert_eq!(unsaid.signature().template, r#"{"A":0,"Names":[""]}"#);
        }
        let anything = Types::new::<serde_json::Value, i64>(Some(TypeOf::new::<i64>()), false);
        assert_eq!(anything.signature().to_string(), "(Value) i64");
        assert_eq!(anything.signature().template, "");
    }
}
