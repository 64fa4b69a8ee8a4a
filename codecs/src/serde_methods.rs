//! serde's methods that are the same in many deserializers and serializers of this crate, written once.
//!
//! An implementation lists here what it only forwards to its own other methods, what it refuses, and what types its
//! compounds are; what it does itself it says itself. The macros expand to the methods as they would be written by
//! hand. Knows no format.

/// Methods of a `Deserializer` that another one answers, by their names without `deserialize_`.
///
/// `string` and `identifier` go to `str`, `byte_buf` to `bytes`, `unit_struct` and `ignored_any` to `unit`,
/// `tuple_struct` to `tuple`; a `newtype_struct` is what it holds, an `option` holds something. `binary` is the answer
/// to `is_human_readable`.
macro_rules! forward_deserialize {
    ($de:lifetime: $($(#[$attr:meta])* $method:ident),+ $(,)?) => {$(
        $crate::serde_methods::forward_deserialize!(@$method $de $(#[$attr])*);
    )+};
    (@string $de:lifetime $(#[$attr:meta])*) => {
        $crate::serde_methods::forward_deserialize!(@@deserialize_string deserialize_str $de $(#[$attr])*);
    };
    (@identifier $de:lifetime $(#[$attr:meta])*) => {
        $crate::serde_methods::forward_deserialize!(@@deserialize_identifier deserialize_str $de $(#[$attr])*);
    };
    (@byte_buf $de:lifetime $(#[$attr:meta])*) => {
        $crate::serde_methods::forward_deserialize!(@@deserialize_byte_buf deserialize_bytes $de $(#[$attr])*);
    };
    (@ignored_any $de:lifetime $(#[$attr:meta])*) => {
        $crate::serde_methods::forward_deserialize!(@@deserialize_ignored_any deserialize_unit $de $(#[$attr])*);
    };
    (@@$method:ident $to:ident $de:lifetime $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn $method<V: ::serde::de::Visitor<$de>>(
            self,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            self.$to(visitor)
        }
    };
    (@unit_struct $de:lifetime $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn deserialize_unit_struct<V: ::serde::de::Visitor<$de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            self.deserialize_unit(visitor)
        }
    };
    (@tuple_struct $de:lifetime $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn deserialize_tuple_struct<V: ::serde::de::Visitor<$de>>(
            self,
            _: &'static str,
            len: usize,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            self.deserialize_tuple(len, visitor)
        }
    };
    (@newtype_struct $de:lifetime $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn deserialize_newtype_struct<V: ::serde::de::Visitor<$de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }
    };
    (@option $de:lifetime $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn deserialize_option<V: ::serde::de::Visitor<$de>>(
            self,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            visitor.visit_some(self)
        }
    };
    (@binary $de:lifetime) => {
        fn is_human_readable(&self) -> bool {
            false
        }
    };
}

/// What a variant holds, for a `VariantAccess` whose deserializer of that is `$inner`; only units are left to it. A
/// variant with fields is a struct called `$name`.
macro_rules! forward_variant {
    ($de:lifetime: $this:ident => $inner:expr, $name:literal) => {
        fn newtype_variant_seed<S: ::serde::de::DeserializeSeed<$de>>(
            $this,
            seed: S,
        ) -> ::core::result::Result<S::Value, Self::Error> {
            seed.deserialize($inner)
        }

        fn tuple_variant<V: ::serde::de::Visitor<$de>>(
            $this,
            len: usize,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            $inner.deserialize_tuple(len, visitor)
        }

        fn struct_variant<V: ::serde::de::Visitor<$de>>(
            $this,
            fields: &'static [&'static str],
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            $inner.deserialize_struct($name, fields, visitor)
        }
    };
}

/// Calls `$table!` with the integers up to 64 bits: method of the deserializer and of the visitor, sign, name in Go.
macro_rules! each_integer {
    ($table:ident) => {
        $table! {
            deserialize_i8 => visit_i8, signed, "int8";
            deserialize_i16 => visit_i16, signed, "int16";
            deserialize_i32 => visit_i32, signed, "int32";
            deserialize_i64 => visit_i64, signed, "int";
            deserialize_u8 => visit_u8, unsigned, "uint8";
            deserialize_u16 => visit_u16, unsigned, "uint16";
            deserialize_u32 => visit_u32, unsigned, "uint32";
            deserialize_u64 => visit_u64, unsigned, "uint";
        }
    };
}

/// Methods of a `Deserializer` whose own method `$read`, given the number's name in Go, reads what the visitor gets.
macro_rules! read_numbers {
    ($($method:ident => $visit:ident, $read:ident, $go:literal;)*) => {$(
        #[inline]
        fn $method<V: ::serde::de::Visitor<'de>>(
            self,
            visitor: V,
        ) -> ::core::result::Result<V::Value, Self::Error> {
            visitor.$visit(self.$read($go)?)
        }
    )*};
}

/// Methods of a `Serializer` that another one answers, by their names without `serialize_`.
///
/// A `some` and a `newtype_struct` are what they hold, a `char` and a `unit_variant` are a `str`, `none` and a
/// `unit_struct` are a `unit`, a `tuple_struct` is a `tuple`, and that a `seq` of known length. `binary` is the answer to `is_human_readable`.
macro_rules! forward_serialize {
    ($($(#[$attr:meta])* $method:ident),+ $(,)?) => {$(
        $crate::serde_methods::forward_serialize!(@$method $(#[$attr])*);
    )+};
    (@some $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_some<T: ::serde::Serialize + ?Sized>(
            self,
            value: &T,
        ) -> ::core::result::Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }
    };
    (@newtype_struct $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_newtype_struct<T: ::serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> ::core::result::Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }
    };
    (@char $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_char(self, value: char) -> ::core::result::Result<Self::Ok, Self::Error> {
            self.serialize_str(value.encode_utf8(&mut [0; 4]))
        }
    };
    (@unit_variant $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_unit_variant(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
        ) -> ::core::result::Result<Self::Ok, Self::Error> {
            self.serialize_str(variant)
        }
    };
    (@none $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_none(self) -> ::core::result::Result<Self::Ok, Self::Error> {
            self.serialize_unit()
        }
    };
    (@unit_struct $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_unit_struct(self, _: &'static str) -> ::core::result::Result<Self::Ok, Self::Error> {
            self.serialize_unit()
        }
    };
    (@tuple $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_tuple(self, len: usize) -> ::core::result::Result<Self::SerializeTuple, Self::Error> {
            self.serialize_seq(Some(len))
        }
    };
    (@tuple_struct $(#[$attr:meta])*) => {
        $(#[$attr])*
        fn serialize_tuple_struct(
            self,
            _: &'static str,
            len: usize,
        ) -> ::core::result::Result<Self::SerializeTupleStruct, Self::Error> {
            self.serialize_tuple(len)
        }
    };
    (@binary) => {
        fn is_human_readable(&self) -> bool {
            false
        }
    };
}

/// Methods of a `Serializer` that are all answered by `$refusal`, by their names without `serialize_`.
macro_rules! refuse_serialize {
    ($refusal:expr; $($method:ident),+ $(,)?) => {$(
        $crate::serde_methods::refuse_serialize!(@$method $refusal);
    )+};
    (@bool $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_bool(bool) Ok $refusal); };
    (@i8 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_i8(i8) Ok $refusal); };
    (@i16 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_i16(i16) Ok $refusal); };
    (@i32 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_i32(i32) Ok $refusal); };
    (@i64 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_i64(i64) Ok $refusal); };
    (@i128 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_i128(i128) Ok $refusal); };
    (@u8 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_u8(u8) Ok $refusal); };
    (@u16 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_u16(u16) Ok $refusal); };
    (@u32 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_u32(u32) Ok $refusal); };
    (@u64 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_u64(u64) Ok $refusal); };
    (@u128 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_u128(u128) Ok $refusal); };
    (@f32 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_f32(f32) Ok $refusal); };
    (@f64 $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_f64(f64) Ok $refusal); };
    (@char $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_char(char) Ok $refusal); };
    (@str $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_str(&str) Ok $refusal); };
    (@bytes $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_bytes(&[u8]) Ok $refusal); };
    (@none $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_none() Ok $refusal); };
    (@unit $refusal:expr) => { $crate::serde_methods::refuse_serialize!(@@serialize_unit() Ok $refusal); };
    (@unit_struct $refusal:expr) => {
        $crate::serde_methods::refuse_serialize!(@@serialize_unit_struct(&'static str) Ok $refusal);
    };
    (@unit_variant $refusal:expr) => {
        $crate::serde_methods::refuse_serialize!(
            @@serialize_unit_variant(&'static str, u32, &'static str) Ok $refusal
        );
    };
    (@newtype_variant $refusal:expr) => {
        fn serialize_newtype_variant<T: ::serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> ::core::result::Result<Self::Ok, Self::Error> {
            $refusal
        }
    };
    (@tuple_variant $refusal:expr) => {
        $crate::serde_methods::refuse_serialize!(
            @@serialize_tuple_variant(&'static str, u32, &'static str, usize) SerializeTupleVariant $refusal
        );
    };
    (@struct_variant $refusal:expr) => {
        $crate::serde_methods::refuse_serialize!(
            @@serialize_struct_variant(&'static str, u32, &'static str, usize) SerializeStructVariant $refusal
        );
    };
    (@compounds $refusal:expr) => {
        $crate::serde_methods::refuse_serialize!(@@serialize_seq(Option<usize>) SerializeSeq $refusal);
        $crate::serde_methods::refuse_serialize!(@@serialize_tuple(usize) SerializeTuple $refusal);
        $crate::serde_methods::refuse_serialize!(
            @@serialize_tuple_struct(&'static str, usize) SerializeTupleStruct $refusal
        );
        $crate::serde_methods::refuse_serialize!(@tuple_variant $refusal);
        $crate::serde_methods::refuse_serialize!(@@serialize_map(Option<usize>) SerializeMap $refusal);
        $crate::serde_methods::refuse_serialize!(
            @@serialize_struct(&'static str, usize) SerializeStruct $refusal
        );
        $crate::serde_methods::refuse_serialize!(@struct_variant $refusal);
    };
    (@@$method:ident($($arg:ty),*) $returned:ident $refusal:expr) => {
        fn $method(self, $(_: $arg),*) -> ::core::result::Result<Self::$returned, Self::Error> {
            $refusal
        }
    };
}

/// The types that a `Serializer` writes compounds with: `$type` for all, or for the ones listed.
macro_rules! compound_types {
    ($type:ty) => {
        $crate::serde_methods::compound_types! {
            $type: SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, SerializeMap,
            SerializeStruct, SerializeStructVariant
        }
    };
    ($type:ty: $($compound:ident),+ $(,)?) => {$(
        type $compound = $type;
    )+};
}

/// The compounds that are only elements in a row: each goes to `element`, the end to `close`. In front of the type
/// stand the methods' attributes and the parameters of the implementations.
macro_rules! impl_elements {
    (@SerializeSeq $($rest:tt)+) => {
        $crate::serde_methods::impl_elements!(@@SerializeSeq serialize_element $($rest)+);
    };
    (@SerializeTuple $($rest:tt)+) => {
        $crate::serde_methods::impl_elements!(@@SerializeTuple serialize_element $($rest)+);
    };
    (@SerializeTupleStruct $($rest:tt)+) => {
        $crate::serde_methods::impl_elements!(@@SerializeTupleStruct serialize_field $($rest)+);
    };
    (@SerializeTupleVariant $($rest:tt)+) => {
        $crate::serde_methods::impl_elements!(@@SerializeTupleVariant serialize_field $($rest)+);
    };
    (@@$compound:ident $method:ident [$($attr:tt)*] [$($params:tt)*] $type:ty, $ok:ty, $error:ty) => {
        impl<$($params)*> ::serde::ser::$compound for $type {
            type Ok = $ok;
            type Error = $error;

            $($attr)*
            fn $method<T: ::serde::Serialize + ?Sized>(
                &mut self,
                value: &T,
            ) -> ::core::result::Result<(), $error> {
                self.element(value)
            }

            $($attr)*
            fn end(self) -> ::core::result::Result<$ok, $error> {
                self.close()
            }
        }
    };
    ($attr:tt $params:tt $type:ty => $ok:ty, $error:ty: $($compound:ident),+ $(,)?) => {$(
        $crate::serde_methods::impl_elements!(@$compound $attr $params $type, $ok, $error);
    )+};
}

/// As [`impl_elements`], of the compounds that are fields with names: each goes to `member`.
macro_rules! impl_members {
    (@$compound:ident [$($attr:tt)*] [$($params:tt)*] $type:ty, $ok:ty, $error:ty) => {
        impl<$($params)*> ::serde::ser::$compound for $type {
            type Ok = $ok;
            type Error = $error;

            $($attr)*
            fn serialize_field<T: ::serde::Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> ::core::result::Result<(), $error> {
                self.member(name, value)
            }

            $($attr)*
            fn end(self) -> ::core::result::Result<$ok, $error> {
                self.close()
            }
        }
    };
    ($attr:tt $params:tt $type:ty => $ok:ty, $error:ty: $($compound:ident),+ $(,)?) => {$(
        $crate::serde_methods::impl_members!(@$compound $attr $params $type, $ok, $error);
    )+};
}

/// As [`impl_elements`], of maps: each key goes to `element`, its value to `value`.
#[cfg(any(feature = "msgpack", feature = "resp"))]
macro_rules! impl_entries {
    ([$($attr:tt)*] [$($params:tt)*] $type:ty => $ok:ty, $error:ty) => {
        impl<$($params)*> ::serde::ser::SerializeMap for $type {
            type Ok = $ok;
            type Error = $error;

            $($attr)*
            fn serialize_key<T: ::serde::Serialize + ?Sized>(
                &mut self,
                key: &T,
            ) -> ::core::result::Result<(), $error> {
                self.element(key)
            }

            $($attr)*
            fn serialize_value<T: ::serde::Serialize + ?Sized>(
                &mut self,
                value: &T,
            ) -> ::core::result::Result<(), $error> {
                self.value(value)
            }

            $($attr)*
            fn end(self) -> ::core::result::Result<$ok, $error> {
                self.close()
            }
        }
    };
}

#[cfg(any(feature = "msgpack", feature = "resp"))]
pub(crate) use impl_entries;
pub(crate) use {
    compound_types, each_integer, forward_deserialize, forward_serialize, forward_variant, impl_elements,
    impl_members, read_numbers, refuse_serialize,
};
