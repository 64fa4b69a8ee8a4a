//! What is JSON-RPC's own in a request's head: an id of any kind, where other codecs have a number.

use super::text::number;
use crate::message::{self, HeadExtension};
use std::ops::Range;

/// The place of the `id`, any JSON value, as compact text; `null` where the request had none.
#[derive(Debug, Clone)]
pub struct Id(pub(super) Range<usize>);

impl Id {
    #[inline]
    fn text<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.0.clone()).unwrap_or_default()
    }
}

impl HeadExtension for Id {
    fn seq(&self, bytes: &[u8]) -> Option<u64> {
        Some(number(self.text(bytes)).unwrap_or(0))
    }

    fn detached(&self, bytes: &[u8], copy: &mut Vec<u8>) -> Self {
        let start = copy.len();
        copy.extend_from_slice(self.text(bytes));
        Self(start..copy.len())
    }
}

/// What a reply needs of its request.
pub type Head = message::Head<Id>;

/// One call as it came in.
pub type Request = message::Request<Id>;

impl Head {
    /// The id to echo, as compact JSON text.
    #[inline]
    pub fn id(&self) -> &[u8] {
        self.extension().text(self.bytes())
    }
}
