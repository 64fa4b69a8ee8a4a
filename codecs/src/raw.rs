//! Bodies as bytes: what byte-oriented protocols carry, whose schemas nobody here knows.

/// What the bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentType {
    /// Protobuf of the method's own message type.
    #[default]
    Protobuf,
    /// JSON.
    Json,
    /// Protobuf's JSON mapping.
    ProtoJson,
    /// Protobuf's text format.
    ProtoText,
}
