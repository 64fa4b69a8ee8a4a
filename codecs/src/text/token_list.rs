//! How tokens are meant: by position or by name.

use super::{TextArgs, de_error::DeError, token::Token};

/// The tokens of one call, once it is decided whether they are named.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenList<'a> {
    args: TextArgs<'a>,
    pub(super) named: bool,
}

impl<'a> TokenList<'a> {
    /// Decides it; `is_name` says which words the type has as names.
    pub(super) fn new(args: TextArgs<'a>, is_name: impl Fn(&[u8]) -> bool) -> Result<Self, DeError> {
        let named = match args {
            TextArgs::Positional(_) | TextArgs::Json(_) => false,
            TextArgs::Params(params) => {
                let named = params.iter().filter(|param| param.name.is_some()).count();
                if let Some(param) = params.iter().find(|param| param.name.is_none())
                    && named > 0
                {
                    return Err(DeError::told(format!(
                        "{} has no name, but other arguments have",
                        param.value
                    )));
                }
                named > 0
            }
            TextArgs::Words(words) => {
                let mut names = words.iter().map(|word| assignment(*word).map(|(name, _)| name));
                words.iter().all(|word| assignment(*word).is_some())
                    && names.any(|name| name.is_some_and(&is_name))
            }
            TextArgs::Alternating(tokens) => {
                let mut names = tokens.iter().step_by(2);
                !tokens.is_empty()
                    && tokens.len().is_multiple_of(2)
                    && names.all(|name| name.as_text().is_some_and(&is_name))
            }
        };
        Ok(Self { args, named })
    }

    /// How many values there are.
    pub(super) fn len(self) -> usize {
        match self.args {
            TextArgs::Alternating(tokens) if self.named => tokens.len() / 2,
            TextArgs::Positional(tokens) | TextArgs::Words(tokens) | TextArgs::Alternating(tokens) => {
                tokens.len()
            }
            TextArgs::Params(params) => params.len(),
            TextArgs::Json(_) => 1,
        }
    }

    /// One of them, with its name if they are named.
    pub(super) fn get(self, at: usize) -> Option<(&'a [u8], Token<'a>)> {
        match self.args {
            TextArgs::Alternating(tokens) if self.named => {
                Some((tokens.get(at * 2)?.as_text()?, *tokens.get(at * 2 + 1)?))
            }
            TextArgs::Words(words) if self.named => assignment(*words.get(at)?),
            TextArgs::Positional(tokens) | TextArgs::Words(tokens) | TextArgs::Alternating(tokens) => {
                tokens.get(at).map(|token| (&b""[..], *token))
            }
            TextArgs::Params(params) => {
                params.get(at).map(|param| (param.name.unwrap_or_default(), param.value))
            }
            TextArgs::Json(value) => (at == 0).then_some((b"", Token::Plain(value))),
        }
    }

    /// The only value, which has no name.
    pub(super) fn single(self) -> Option<Token<'a>> {
        if self.named || self.len() != 1 { None } else { self.get(0).map(|(_, token)| token) }
    }

    /// The names, for an error.
    pub(super) fn names(self) -> Vec<&'a [u8]> {
        (0..self.len()).map_while(|at| self.get(at).map(|(name, _)| name)).collect()
    }
}

/// `NAME=value`; the value may be anything.
fn assignment(word: Token<'_>) -> Option<(&[u8], Token<'_>)> {
    let Token::Plain(word) = word else { return None };
    let at = word.iter().position(|&byte| byte == b'=')?;
    let (name, value) = word.split_at_checked(at)?;
    is_identifier(name).then_some((name, Token::Plain(value.get(1..)?)))
}

/// Whether a word looks like the name of a field.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii();
    name.first().is_some_and(|&first| letter(first))
        && name.iter().all(|&byte| letter(byte) || byte.is_ascii_digit() || b"-.$".contains(&byte))
}
