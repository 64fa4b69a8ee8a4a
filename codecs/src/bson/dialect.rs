//! The two dialects of BSON, and what is BSON's own in a request's head.

use crate::message::{self, HeadExtension};

/// How a request's kinds of BSON element are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Strings as Binary 0x05, unsigned integers as 0x3F: vitess' `go/bson`, gorpc.
    #[default]
    Vitess,
    /// Kinds of the published BSON specification only: what stock BSON libraries read.
    Standard,
}

/// Which dialect of BSON a server answers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BsonDialect {
    /// As each request: ServiceMethod as Binary 0x05, or Seq as 0x3F → vitess; ServiceMethod as String 0x02 with any
    /// other Seq → standard. The original Java client sends a String and 0x3F, and reads vitess' kinds only.
    #[default]
    Auto,
    /// Always this one.
    Always(Dialect),
}

impl HeadExtension for Dialect {}

/// What a reply needs of its request.
pub type Head = message::Head<Dialect>;

/// One call as it came in.
pub type Request = message::Request<Dialect>;

impl Head {
    /// The dialect to answer in.
    #[inline]
    pub fn dialect(&self) -> Dialect {
        *self.extension()
    }
}
