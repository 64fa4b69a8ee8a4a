//! Go's `complex128`: two floats.
//!
//! Knows serde's calls and nothing of any one codec; gob recognises the newtype name `COMPLEX`.

use super::COMPLEX;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};
use std::fmt;

/// A complex number, Go's `complex128`.
///
/// On the wire: gob its complex numbers; JSON and BSON, where Go refuses them, the list `[re, im]`.
///
/// ```
/// use rpcwrap_codecs::types::Complex;
/// assert_eq!(serde_json::to_string(&Complex::new(1.5, -2.0)).unwrap(), "[1.5,-2.0]");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    /// The number `re + im·i`.
    pub const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// The form decoders hand over to [`Any`](super::Any): the bits of `re`, then those of `im`.
    pub(crate) const fn to_packed(self) -> u128 {
        (self.re.to_bits() as u128) << 64 | self.im.to_bits() as u128
    }

    /// The number of a packed form.
    pub(crate) const fn from_packed(packed: u128) -> Self {
        Self { re: f64::from_bits((packed >> 64) as u64), im: f64::from_bits(packed as u64) }
    }
}

impl Serialize for Complex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(COMPLEX, &[self.re, self.im])
    }
}

impl<'de> Deserialize<'de> for Complex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(COMPLEX, ComplexVisitor)
    }
}

struct ComplexVisitor;

impl<'de> Visitor<'de> for ComplexVisitor {
    type Value = Complex;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("complex128")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Complex, D::Error> {
        <[f64; 2]>::deserialize(deserializer).map(|[re, im]| Complex { re, im })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Complex, A::Error> {
        let mut part = || seq.next_element()?.ok_or_else(|| A::Error::custom("complex128 of one part"));
        Ok(Complex { re: part()?, im: part()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Any;

    #[test]
    fn json_is_a_list_of_two() {
        let number = Complex::new(1.5, -2.0);
        assert_eq!(serde_json::from_str::<Complex>("[1.5,-2]").unwrap(), number);
        assert_eq!(serde_json::to_string(&Any::Complex(number)).unwrap(), "[1.5,-2.0]");
        for bad in ["1", "[1]", "[1,2,3]", "{}", "[\"1\",2]"] {
            assert!(serde_json::from_str::<Complex>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn packed_form_keeps_every_bit() {
        for number in [Complex::new(-0.0, f64::MAX), Complex::new(f64::INFINITY, 5e-324)] {
            let same = Complex::from_packed(number.to_packed());
            assert_eq!((same.re.to_bits(), same.im.to_bits()), (number.re.to_bits(), number.im.to_bits()));
        }
    }
}
