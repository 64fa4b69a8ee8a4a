//! The values of the `bson` crate's types: cargo feature `bson-types`.
//!
//! The crate never parses a peer's bytes: the values are read here, one element at a time, with every length checked.

use crate::bson::{
    de::{self, DeError},
    kind,
    read::Reader,
};
use crate::error::EncodeError;
use bson::{
    Binary, Bson, DbPointer, Decimal128, Document, JavaScriptCodeWithScope, Regex, Timestamp, doc,
    oid::ObjectId, raw::CString, spec::BinarySubtype,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, Visitor},
    ser::Error as _,
};

/// What the maps take that describe a value to a target that is not the crate's own: mostly two trees of one entry.
const DESCRIPTION: usize = 2 << 10;

/// The members of a struct whose name says that it is a value of the crate.
#[derive(Debug, Default)]
pub(in crate::bson) struct Members(Document);

impl Members {
    /// Those of a struct of this name, none yet.
    pub(in crate::bson) fn new(_name: &'static str) -> Result<Self, EncodeError> {
        Ok(Self::default())
    }

    pub(in crate::bson) fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let value = bson::serialize_to_bson(value).map_err(EncodeError::custom)?;
        self.0.insert(key, value);
        Ok(())
    }

    /// The kind and the bytes of the element they describe.
    pub(in crate::bson) fn into_element(self) -> Result<(u8, Vec<u8>), EncodeError> {
        to_element(from_members(self.0)?)
    }
}

/// The value that such a struct's members describe.
fn from_members(members: Document) -> Result<Bson, EncodeError> {
    // The crate's raw binaries say their bytes as they are, its others in base64.
    if let Ok(body) = members.get_document("$binary")
        && let (Ok(bytes), Ok(subtype)) = (body.get_binary_generic("bytes"), body.get_i32("subType"))
    {
        let subtype = u8::try_from(subtype).map_err(|_| EncodeError::new("subtype over 255"))?;
        return Ok(Bson::Binary(Binary { subtype: subtype.into(), bytes: bytes.clone() }));
    }
    bson::deserialize_from_bson(Bson::Document(members)).map_err(EncodeError::custom)
}

/// The kind and the bytes of an element, as the crate itself writes them.
fn to_element(value: Bson) -> Result<(u8, Vec<u8>), EncodeError> {
    let mut bytes = doc! { "": value }.to_vec().map_err(EncodeError::custom)?;
    let kind = bytes.get(4).copied().unwrap_or_default();
    bytes.pop();
    Ok((kind, bytes.split_off(bytes.len().min(6))))
}

/// Hands the element of a kind that serde's model has no word for to `visitor`, as the crate's types expect it.
pub(in crate::bson) fn visit<'de, V: Visitor<'de>>(
    reader: &mut Reader<'de>,
    kind: u8,
    visitor: V,
) -> Result<V::Value, DeError> {
    // The crate's own value has next to nothing on the heap; others are made of the maps that describe it.
    if typeid::of::<V::Value>() != typeid::of::<Bson>() {
        reader.budget.take(DESCRIPTION)?;
    }
    let value = match kind {
        // Not the crate's own choice between this form and RFC 3339: that one fails for far years.
        kind::DATETIME => Bson::Document(doc! { "$date": { "$numberLong": reader.i64()?.to_string() } }),
        kind => read(reader, kind)?,
    };
    bson::Deserializer::new(value).deserialize_any(visitor).map_err(DeError::custom)
}

/// Hands a value to a `visitor` of the crate's raw types or of its `Uuid`, by the newtype's name.
pub(in crate::bson) fn visit_newtype<'de, V: Visitor<'de>>(
    value: impl Deserializer<'de, Error = DeError>,
    name: &'static str,
    visitor: V,
) -> Result<V::Value, DeError> {
    let value = Bson::deserialize(value)?;
    bson::Deserializer::new(value).deserialize_newtype_struct(name, visitor).map_err(DeError::custom)
}

/// Reads an element of a kind that serde's model has no word for.
fn read(reader: &mut Reader<'_>, kind: u8) -> Result<Bson, DeError> {
    Ok(match kind {
        kind::BINARY => {
            let (subtype, mut bytes) = reader.binary()?;
            let subtype = BinarySubtype::from(subtype);
            if subtype == BinarySubtype::BinaryOld {
                // Its bytes start with their own length once more.
                bytes = bytes.get(4..).unwrap_or_default();
            }
            reader.budget.bytes(bytes.len())?;
            Bson::Binary(Binary { subtype, bytes: bytes.to_vec() })
        }
        kind::UNDEFINED => Bson::Undefined,
        kind::OBJECT_ID => Bson::ObjectId(ObjectId::from_bytes(reader.array()?)),
        kind::REGEX => {
            let [pattern, options] = [reader.cstr()?, reader.cstr()?];
            let [pattern, options] = [text(reader, pattern)?, text(reader, options)?]
                .map(|text| CString::try_from(text).map_err(DeError::custom));
            Bson::RegularExpression(Regex { pattern: pattern?, options: options? })
        }
        kind::DB_POINTER => {
            let namespace = reader.string()?;
            let namespace = text(reader, namespace)?;
            let id = ObjectId::from_bytes(reader.array()?);
            bson::deserialize_from_bson(Bson::Document(
                doc! { "$dbPointer": { "$ref": namespace, "$id": { "$oid": id.to_hex() } } },
            ))
            .map(|pointer: DbPointer| Bson::DbPointer(pointer))
            .map_err(DeError::custom)?
        }
        kind::CODE => {
            let code = reader.string()?;
            Bson::JavaScriptCode(text(reader, code)?)
        }
        kind::SYMBOL => {
            let symbol = reader.string()?;
            Bson::Symbol(text(reader, symbol)?)
        }
        kind::CODE_WITH_SCOPE => {
            reader.take(4)?;
            let code = reader.string()?;
            let code = text(reader, code)?;
            let scope = de::element(reader, kind::DOCUMENT)?;
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
        }
        kind::TIMESTAMP => {
            let (increment, time) = (reader.u32()?, reader.u32()?);
            Bson::Timestamp(Timestamp { time, increment })
        }
        kind::DECIMAL128 => Bson::Decimal128(Decimal128::from_bytes(reader.array()?)),
        kind::MIN_KEY => Bson::MinKey,
        kind::MAX_KEY => Bson::MaxKey,
        other => return Err(DeError::new(format!("unexpected kind {other} for interface{{}}"))),
    })
}

fn text(reader: &Reader<'_>, bytes: &[u8]) -> Result<String, DeError> {
    reader.budget.bytes(bytes.len())?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(DeError::custom)
}
