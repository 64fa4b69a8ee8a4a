//! The two lists of options: `#[rpcwrap::service(…)]` on the block and `#[rpc(…)]` on a method.

use super::Kind;
use proc_macro2::{Ident, Span};
use std::{collections::HashSet, fmt::Display, str::FromStr};
use syn::{
    Attribute, Error, LitInt, LitStr, Result, Token,
    ext::IdentExt,
    meta::ParseNestedMeta,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

/// `#[rpcwrap::service(name = "…")]`
pub(crate) struct ServiceOptions {
    pub(super) name: Option<LitStr>,
}

impl Parse for ServiceOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut name = None;
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            if key != "name" {
                return Err(Error::new(
                    key.span(),
                    format!("unknown option `{key}`, expected `name = \"…\"`"),
                ));
            }
            if name.is_some() {
                return Err(Error::new(key.span(), "`name` is given twice"));
            }
            input.parse::<Token![=]>()?;
            name = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self { name })
    }
}

/// What `#[rpc(…)]` says.
#[derive(Default)]
pub(super) struct Options {
    pub(super) first: Option<Span>,
    pub(super) name: Option<LitStr>,
    pub(super) skip: bool,
    pub(super) kind: Option<(Kind, Ident)>,
    pub(super) idempotent: bool,
    pub(super) read_only: bool,
    pub(super) timeout_ms: Option<LitInt>,
    pub(super) max_in_flight: Option<LitInt>,
}

impl Options {
    pub(super) fn read(attributes: Vec<Attribute>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen = HashSet::new();
        for attribute in attributes {
            options.first.get_or_insert(attribute.span());
            attribute.parse_nested_meta(|meta| {
                let key = meta.path.require_ident()?.clone();
                if !seen.insert(key.to_string()) {
                    return Err(meta.error(format!("`{key}` is given twice")));
                }
                options.take(&key, &meta)
            })?;
        }
        match options.first {
            Some(span) if options.skip && seen.len() > 1 => {
                Err(Error::new(span, "`skip` leaves the method out: other options mean nothing beside it"))
            }
            _ => Ok(options),
        }
    }

    fn take(&mut self, key: &Ident, meta: &ParseNestedMeta<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "name" => self.name = Some(meta.value()?.parse()?),
            "skip" => self.skip = true,
            "idempotent" => self.idempotent = true,
            "read_only" => self.read_only = true,
            "stream" => self.run_as(Kind::Stream, key)?,
            "blocking" => self.run_as(Kind::Blocking, key)?,
            "spawn" => self.run_as(Kind::Spawn, key)?,
            "timeout_ms" => self.timeout_ms = Some(positive::<u64>(meta)?),
            "max_in_flight" => self.max_in_flight = Some(positive::<usize>(meta)?),
            _ => {
                return Err(meta.error(format!(
                    "unknown option `{key}`, expected one of `name`, `skip`, `stream`, `blocking`, `spawn`, \
                     `idempotent`, `read_only`, `timeout_ms`, `max_in_flight`"
                )));
            }
        }
        Ok(())
    }

    fn run_as(&mut self, kind: Kind, key: &Ident) -> Result<()> {
        match &self.kind {
            Some((_, other)) => {
                Err(Error::new(key.span(), format!("`{key}` and `{other}` exclude each other")))
            }
            None => {
                self.kind = Some((kind, key.clone()));
                Ok(())
            }
        }
    }
}

fn positive<N>(meta: &ParseNestedMeta<'_>) -> Result<LitInt>
where
    N: FromStr + PartialEq + Default,
    N::Err: Display,
{
    let number: LitInt = meta.value()?.parse()?;
    if number.base10_parse::<N>()? == N::default() {
        return Err(Error::new(number.span(), "must be at least 1"));
    }
    Ok(number)
}
