//! What a failed call says.

use std::borrow::Cow;

/// What a failed call says to its caller.
///
/// `text` is all an old peer sees. `code` and `data` go out beside it only to peers that asked for them
/// ([`Head::details`](super::Head::details)).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorReply {
    /// Go's error string. An empty text is a success in the originals; servers must not send it as an error.
    pub text: String,
    /// A stable word for programs, such as `deadline`; empty if there is none.
    pub code: String,
    /// Anything more, in JSON's data model.
    pub data: Option<serde_json::Value>,
}

impl ErrorReply {
    /// An error with a text and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What goes out as `Code` and `Data`, to a peer that reads them.
    pub(crate) fn details(&self, reads_details: bool) -> (Option<&str>, Option<&serde_json::Value>) {
        if !reads_details {
            return (None, None);
        }
        (Some(&*self.code).filter(|code| !code.is_empty()), self.data.as_ref())
    }

    /// The text as it goes out: a name of a method that is not UTF-8 stands at its end as it came, since Go echoes such
    /// names raw and a `String` cannot hold them.
    #[inline]
    pub(crate) fn text_for(&self, name: &[u8]) -> Cow<'_, [u8]> {
        match String::from_utf8_lossy(name) {
            Cow::Owned(lossy) => match self.text.strip_suffix(&*lossy) {
                Some(before) => Cow::Owned([before.as_bytes(), name].concat()),
                None => Cow::Borrowed(self.text.as_bytes()),
            },
            Cow::Borrowed(_) => Cow::Borrowed(self.text.as_bytes()),
        }
    }
}
