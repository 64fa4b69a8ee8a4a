//! All tokens of a call as one serde value.

use super::{
    TextArgs,
    access::{Elements, Keys, Members, Names},
    de_error::{DeError, list},
    hint::Hint,
    token::Token,
    token_de::{TokenDeserializer, each_integer, is_json},
    token_list::{TokenList, is_identifier},
};
use crate::{
    budget::{DecodeBudget, ListRoom},
    serde_methods::forward_deserialize,
    types::is_blob,
};
use serde::de::{Deserializer, Visitor};

/// The deserializer of the whole argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Args<'a, 's> {
    pub(super) args: TextArgs<'a>,
    pub(super) hint: Hint<'s>,
    pub(super) budget: &'s DecodeBudget,
}

impl<'a, 's> Args<'a, 's> {
    /// The tokens of a type without names.
    fn positional(self, wanted: &str) -> Result<TokenList<'a>, DeError> {
        let tokens = TokenList::new(self.args, |_| false)?;
        if tokens.named {
            let names = list(&tokens.names());
            return Err(DeError::told(format!("arguments have no names here ({names}): {wanted} is wanted")));
        }
        Ok(tokens)
    }

    /// The one value that a type without parts takes.
    fn one<T>(
        self,
        wanted: &str,
        read: impl FnOnce(TokenDeserializer<'a, 's>) -> Result<T, DeError>,
    ) -> Result<T, DeError> {
        let wanted = self.hint.name(wanted);
        let tokens = self.positional(&wanted)?;
        match tokens.single() {
            Some(token) => read(TokenDeserializer { token, hint: self.hint, budget: self.budget })
                .map_err(|error| error.at("argument", token)),
            None => Err(DeError::count(tokens.len(), 1, &wanted)),
        }
    }

    /// Refuses tokens of which the only one is the whole argument in JSON; if it may be a part of it too, only valid
    /// JSON is.
    fn refuse_json(tokens: TokenList<'a>, bracket: u8, may_be_part: bool) -> Result<(), DeError> {
        let token = tokens.single().filter(|token| token.starts_with(bracket));
        match token.and_then(Token::as_text) {
            Some(text) if !may_be_part || is_json(text) => Err(DeError::whole_json()),
            _ => Ok(()),
        }
    }

    fn members<V: Visitor<'a>>(
        self,
        tokens: TokenList<'a>,
        keys: Keys<'_>,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let value = visitor.visit_map(Members::new(tokens, keys, self.hint, self.budget));
        value.map_err(|error| match (error.missing(), keys) {
            (Some(name), Keys::Fields(_, own)) if tokens.named => {
                DeError::told(format!("field {name} is missing, there are: {}", list(own)))
            }
            (Some(name), Keys::Fields(_, own)) => {
                DeError::count(tokens.len(), own.len(), &format!("{} ({name} is missing)", list(own)))
            }
            _ => error,
        })
    }
}

macro_rules! scalars {
    ($($method:ident => $visit:ident, $wanted:literal;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
            self.one($wanted, |value| value.$method(visitor))
        }
    )*};
}

impl<'a> Deserializer<'a> for Args<'a, '_> {
    type Error = DeError;

    forward_deserialize!('a: string, identifier, byte_buf, unit_struct, newtype_struct, tuple_struct);

    each_integer!(scalars);
    scalars! {
        deserialize_bool => visit_bool, "bool";
        deserialize_f32 => visit_f32, "float32";
        deserialize_f64 => visit_f64, "float64";
        deserialize_char => visit_char, "one character";
        deserialize_str => visit_str, "string";
        deserialize_bytes => visit_bytes, "[]byte";
    }

    /// A type of any form: one value, several as a list, named ones as a map.
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        if is_blob::<V>() || self.hint.is_one() {
            return self.one("any value", |value| value.deserialize_any(visitor));
        }
        let in_turn = matches!(self.args, TextArgs::Alternating(_));
        let tokens = TokenList::new(self.args, |name| !in_turn && is_identifier(name))?;
        match (tokens.named, tokens.len()) {
            (true, _) => visitor.visit_map(Members::new(tokens, Keys::Any, self.hint, self.budget)),
            (false, 0) => visitor.visit_unit(),
            (false, 1) => self.one("any value", |value| value.deserialize_any(visitor)),
            (false, _) => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let tokens = TokenList::new(self.args, |_| false)?;
        let is_null = match tokens.single() {
            Some(token) => (TokenDeserializer { token, hint: self.hint, budget: self.budget }).is_none(),
            None => tokens.len() == 0,
        };
        if is_null {
            visitor.visit_none()
        } else {
            visitor.visit_some(Self { hint: self.hint.some(), ..self })
        }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.positional("nothing")?.len() {
            0 => visitor.visit_unit(),
            count => Err(DeError::count(count, 0, "")),
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let tokens = self.positional(&self.hint.name("a list"))?;
        Self::refuse_json(tokens, b'[', self.hint.element(0).is_text())?;
        visitor.visit_seq(Elements {
            tokens,
            hint: self.hint,
            at: 0,
            budget: self.budget,
            room: ListRoom::new(0),
        })
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, len: usize, visitor: V) -> Result<V::Value, DeError> {
        let wanted = self.hint.name("a list");
        let tokens = self.positional(&wanted)?;
        Self::refuse_json(tokens, b'[', len == 1 && self.hint.element(0).is_text())?;
        if tokens.len() != len {
            return Err(DeError::count(tokens.len(), len, &wanted));
        }
        visitor.visit_seq(Elements {
            tokens,
            hint: self.hint,
            at: 0,
            budget: self.budget,
            room: ListRoom::new(len),
        })
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let in_turn = matches!(self.args, TextArgs::Alternating(_));
        let tokens = TokenList::new(self.args, |name| in_turn || is_identifier(name))?;
        Self::refuse_json(tokens, b'{', false)?;
        if !tokens.named && tokens.len() > 0 {
            let wanted = self.hint.name("a map");
            return Err(DeError::told(format!("arguments have to have names here: {wanted} is wanted")));
        }
        self.members(tokens, Keys::Any, visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let names = Names(fields);
        let tokens = TokenList::new(self.args, |name| names.find(name).is_some())?;
        // Without a trace serde's names have to do, aliases and all.
        let traced: Vec<_> = self.hint.fields().iter().map(|field| field.name).collect();
        let own = if traced.is_empty() { fields } else { &traced };
        let first_is_text = own.first().is_some_and(|first| self.hint.field(first).is_text());
        let alone = own.len() == 1 && first_is_text;
        if !alone {
            Self::refuse_json(tokens, b'{', first_is_text)?;
        }
        if !tokens.named && tokens.len() > own.len() {
            return Err(DeError::count(tokens.len(), own.len(), &list(own)));
        }
        self.members(tokens, Keys::Fields(names, own), visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        Self::refuse_json(self.positional(name)?, b'{', false)?;
        self.one(name, |value| value.deserialize_enum(name, variants, visitor))
    }
}
