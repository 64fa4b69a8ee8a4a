//! Tokens as serde's sequences and maps.

use super::{
    de_error::{DeError, list},
    hint::Hint,
    token::{Shortened, Token},
    token_de::TokenDeserializer,
    token_list::TokenList,
};
use crate::budget::{DecodeBudget, ListRoom, MapRoom};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, value::StrDeserializer};
use std::{collections::HashSet, fmt};

/// The elements of a list or tuple.
pub(super) struct Elements<'a, 's> {
    pub(super) tokens: TokenList<'a>,
    pub(super) hint: Hint<'s>,
    pub(super) at: usize,
    pub(super) budget: &'s DecodeBudget,
    pub(super) room: ListRoom,
}

impl<'a> SeqAccess<'a> for Elements<'a, '_> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        let Some((_, token)) = self.tokens.get(self.at) else { return Ok(None) };
        let hint = self.hint.element(self.at);
        self.at += 1;
        let at = self.at;
        self.budget.element::<S::Value>(&mut self.room)?;
        let value = seed.deserialize(TokenDeserializer { token, hint, budget: self.budget });
        value.map(Some).map_err(|error| error.at(format_args!("argument {at}"), token))
    }
}

/// The names a struct has, as serde lists them: aliases too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) &'static [&'static str]);

impl Names {
    /// The name that is meant: exactly this one, or the only one in another case.
    pub(super) fn find(self, name: &[u8]) -> Option<&'static str> {
        if let Some(found) = self.0.iter().find(|own| own.as_bytes() == name) {
            return Some(found);
        }
        let mut alike = self.alike(name);
        let found = alike.next()?;
        alike.next().is_none().then_some(found)
    }

    fn alike(self, name: &[u8]) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied().filter(move |own| own.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a map has for keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keys<'s> {
    /// The fields of a struct: all its names, and its own in their order.
    Fields(Names, &'s [&'static str]),
    /// All names there are.
    Any,
}

/// The fields of a struct, or the members of a map.
pub(super) struct Members<'a, 's> {
    tokens: TokenList<'a>,
    keys: Keys<'s>,
    hint: Hint<'s>,
    budget: &'s DecodeBudget,
    /// Of a map, what it has room for.
    room_keys: MapRoom,
    room_values: MapRoom,
    room_seen: MapRoom,
    at: usize,
    /// The names that were there.
    seen: HashSet<&'a [u8]>,
    /// The value that is next, and where it belongs.
    next: Option<(Key<'a>, Token<'a>)>,
}

#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Field(&'static str),
    Member(&'a [u8]),
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "field {name}"),
            Self::Member(name) => write!(f, "field {}", Shortened(name)),
        }
    }
}

impl<'a, 's> Members<'a, 's> {
    pub(super) fn new(
        tokens: TokenList<'a>,
        keys: Keys<'s>,
        hint: Hint<'s>,
        budget: &'s DecodeBudget,
    ) -> Self {
        Self {
            tokens,
            keys,
            hint,
            budget,
            room_keys: MapRoom::default(),
            room_values: MapRoom::default(),
            room_seen: MapRoom::default(),
            at: 0,
            seen: HashSet::new(),
            next: None,
        }
    }

    /// The key of the value that is next, if there is one more.
    fn step(&mut self) -> Result<Option<(Key<'a>, Token<'a>)>, DeError> {
        let Some((name, token)) = self.tokens.get(self.at) else { return Ok(None) };
        let key = match self.keys {
            Keys::Fields(_, own) if !self.tokens.named => match own.get(self.at) {
                Some(name) => Key::Field(name),
                None => return Err(DeError::count(self.tokens.len(), own.len(), &list(own))),
            },
            Keys::Fields(names, own) => {
                let field = names.find(name).ok_or_else(|| unknown(name, names, own))?;
                self.once(name, field.as_bytes())?;
                Key::Field(field)
            }
            Keys::Any => {
                self.once(name, name)?;
                Key::Member(name)
            }
        };
        self.at += 1;
        Ok(Some((key, token)))
    }

    /// Refuses a name that was there.
    fn once(&mut self, shown: &[u8], name: &'a [u8]) -> Result<(), DeError> {
        self.budget.entry::<&[u8]>(&mut self.room_seen)?;
        if self.seen.insert(name) {
            return Ok(());
        }
        Err(DeError::told(format!("field {} is given twice", Shortened(shown))))
    }
}

#[cold]
fn unknown(name: &[u8], names: Names, own: &[&'static str]) -> DeError {
    let alike: Vec<_> = names.alike(name).collect();
    let name = Shortened(name);
    DeError::told(match (alike.is_empty(), own.is_empty()) {
        (false, _) => format!("field {name} is ambiguous, there are: {}", list(&alike)),
        (true, false) => format!("field {name} is unknown, there are: {}", list(own)),
        (true, true) => format!("field {name} is unknown, there are none"),
    })
}

impl<'a> MapAccess<'a> for Members<'a, '_> {
    type Error = DeError;

    fn next_key_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        self.next = self.step()?;
        match self.next {
            None => Ok(None),
            Some((Key::Field(name), _)) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            Some((Key::Member(name), _)) => {
                let (token, hint) = (Token::Plain(name), self.hint.entries().0);
                self.budget.entry::<S::Value>(&mut self.room_keys)?;
                let key = seed.deserialize(TokenDeserializer { token, hint, budget: self.budget });
                key.map(Some).map_err(|error| error.at("name", token))
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        let Some((key, token)) = self.next.take() else {
            return Err(DeError::told("a value was asked for before its name"));
        };
        let hint = match key {
            Key::Field(name) => {
                self.budget.member::<S::Value>();
                self.hint.field(name)
            }
            Key::Member(_) => {
                self.budget.entry::<S::Value>(&mut self.room_values)?;
                self.hint.entries().1
            }
        };
        seed.deserialize(TokenDeserializer { token, hint, budget: self.budget })
            .map_err(|error| error.at(key, token))
    }
}
