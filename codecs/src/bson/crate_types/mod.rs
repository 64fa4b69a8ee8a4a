//! The `bson` crate's own types as arguments and replies.
//!
//! Kinds that serde's model has no word for travel through serde as structs and maps with names such as `$oid`;
//! this folder knows those names and nothing else of the crate's insides. Without the cargo feature `bson-types` such
//! values are refused: written as the maps they look like, they would arrive as something else.
//! Source: crate `bson` 3.1 `ser/raw.rs`, `de/raw.rs`; BSON specification 1.1.

#[cfg(not(feature = "bson-types"))]
mod refused;
#[cfg(feature = "bson-types")]
mod values;

#[cfg(not(feature = "bson-types"))]
pub(super) use refused::{Members, visit, visit_newtype};
#[cfg(feature = "bson-types")]
pub(super) use values::{Members, visit, visit_newtype};

/// Newtype name of `bson::Uuid`; inside are 16 bytes.
pub(super) const UUID: &str = "$__bson_private_uuid";
/// Newtype name of `bson::RawDocumentBuf`; inside are its bytes.
pub(super) const RAW_DOCUMENT: &str = "$__private__bson_RawDocument";
/// Newtype name of `bson::RawArrayBuf`; inside are its bytes.
pub(super) const RAW_ARRAY: &str = "$__private__bson_RawArray";
/// Newtype name of `bson::RawBson`.
pub(super) const RAW_BSON: &str = "$__private__bson_RawBson";

/// Whether a struct of this name is a value of the crate.
#[inline]
pub(super) fn is_struct(name: &str) -> bool {
    name.starts_with('$')
        && matches!(
            name,
            "$oid"
                | "$date"
                | "$binary"
                | "$timestamp"
                | "$minKey"
                | "$maxKey"
                | "$code"
                | "$codeWithScope"
                | "$symbol"
                | "$undefined"
                | "$regularExpression"
                | "$dbPointer"
                | "$numberDecimal"
        )
}
