//! The keys of the config file by their names: which there are, and which one was meant.

use serde::{
    Deserializer,
    de::{Deserialize, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// The fields of a struct, as it tells them to its deserializer.
pub(crate) fn of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Ends with an error once the fields are known.
    let _ = T::deserialize(Asked(&mut fields));
    fields
}

/// Takes the names of the fields, and has no value for them.
struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("only asked for its fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The one of `known` that a misspelled key was most likely meant to be.
pub(crate) fn meant(key: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&key.to_lowercase().replace('-', "_"), known);
    let (distance, nearest) = known.into_iter().map(|known| (distance(known), known)).min()?;
    (distance <= (nearest.len() / 3).max(1)).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_struct() {
        #[derive(serde::Deserialize)]
        #[expect(dead_code, reason = "only its fields' names count")]
        struct Some {
            one: u8,
            #[serde(rename = "two")]
            other: String,
            #[serde(skip)]
            hidden: u8,
        }
        assert_eq!(of::<Some>(), ["one", "two"]);
    }

    #[test]
    fn the_nearest_name_if_it_is_near() {
        let known = ["max_connections", "max_connection_age", "log", "tls_key", "tls_cert"];
        for (key, expected) in [
            ("max_conections", Some("max_connections")),
            ("max-connections", Some("max_connections")),
            ("MaxConnections", Some("max_connections")),
            ("maxconnection_age", Some("max_connection_age")),
            ("lgo", Some("log")),
            ("lg", Some("log")),
            ("tls_kye", Some("tls_key")),
            ("blog", Some("log")),
            ("limits", None),
            ("", None),
        ] {
            assert_eq!(meant(key, known), expected, "{key}");
        }
        assert_eq!(meant("log", []), None);
    }
}
