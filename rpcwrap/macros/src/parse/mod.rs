//! What was written: the `impl` block, its methods and their options, checked.
//!
//! Every mistake is reported at its own place, all of them at once. Knows nothing of what is made of it.

mod options;

pub(crate) use options::ServiceOptions;

use options::Options;
use proc_macro2::Ident;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, ImplItem, ImplItemFn, ItemImpl, Lit, LitInt, Meta, Receiver,
    Result, ReturnType, Type, TypeParamBound, ext::IdentExt, spanned::Spanned,
};

/// What a checked `impl` block says.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) methods: Vec<Method>,
}

/// A method of the service.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) doc: String,
    /// The `#[cfg]`s it stands under.
    pub(crate) cfgs: Vec<Attribute>,
    /// The types of its arguments after `self`: none, `(Args)` or `(Context, Args)`.
    pub(crate) args: Vec<Type>,
    pub(crate) kind: Kind,
    pub(crate) idempotent: bool,
    pub(crate) read_only: bool,
    pub(crate) timeout_ms: Option<LitInt>,
    pub(crate) max_in_flight: Option<LitInt>,
}

/// How a method runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Inline,
    Spawn,
    Blocking,
    Stream,
}

/// Checks a block and takes our attributes out of it, also if something is wrong with it.
pub(crate) fn service(options: &ServiceOptions, item: &mut ItemImpl) -> Result<Service> {
    let mut errors = Vec::new();
    if let Some((_, path, _)) = &item.trait_ {
        errors.push(Error::new(path.span(), "a service is made of an inherent impl block, not of a trait's"));
    }
    let name = match (&options.name, type_name(&item.self_ty)) {
        (Some(name), _) => name.value(),
        (None, Some(name)) => name,
        (None, None) => {
            errors
                .push(Error::new(item.self_ty.span(), "this type has no name: say `service(name = \"…\")`"));
            String::new()
        }
    };
    let mut methods = Vec::new();
    for function in item.items.iter_mut().filter_map(as_fn) {
        match method(function) {
            Ok(method) => methods.extend(method),
            Err(error) => errors.push(error),
        }
    }
    match errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    }) {
        Some(error) => Err(error),
        None => Ok(Service { name, doc: doc(&item.attrs), methods }),
    }
}

fn as_fn(item: &mut ImplItem) -> Option<&mut ImplItemFn> {
    match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    }
}

fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.unraw().to_string()),
        _ => None,
    }
}

/// `None`: a function that is no method of the service.
fn method(function: &mut ImplItemFn) -> Result<Option<Method>> {
    let (ours, others) =
        std::mem::take(&mut function.attrs).into_iter().partition(|attr| attr.path().is_ident("rpc"));
    function.attrs = others;
    let options = Options::read(ours)?;
    let signature = &function.sig;
    let Some(receiver) = signature.receiver() else {
        return match (&options.first, signature.asyncness) {
            _ if options.skip => Ok(None),
            (None, None) => Ok(None),
            _ => Err(Error::new(
                signature.ident.span(),
                "a method of a service takes `&self`; mark other functions `#[rpc(skip)]`",
            )),
        };
    };
    if options.skip {
        return Ok(None);
    }
    check_receiver(receiver)?;
    if let Some(parameter) = signature.generics.params.first() {
        return Err(Error::new(
            parameter.span(),
            "a method of a service cannot be generic: callers send no types",
        ));
    }
    let kind = options.kind.as_ref().map_or(Kind::Inline, |(kind, _)| *kind);
    check_kind(function, kind, receiver)?;
    Ok(Some(Method {
        name: options.name.map_or_else(|| go_name(&signature.ident), |name| name.value()),
        ident: signature.ident.clone(),
        doc: doc(&function.attrs),
        cfgs: function.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect(),
        args: arguments(function)?,
        kind,
        idempotent: options.idempotent,
        read_only: options.read_only,
        timeout_ms: options.timeout_ms,
        max_in_flight: options.max_in_flight,
    }))
}

fn check_receiver(receiver: &Receiver) -> Result<()> {
    let shared = match &*receiver.ty {
        Type::Reference(reference) => reference.mutability.is_none(),
        _ => receiver.colon_token.is_some(),
    };
    if shared {
        return Ok(());
    }
    let text =
        "calls run at the same time: take `&self` or `self: Arc<Self>`, with a lock inside for what changes";
    Err(Error::new(receiver.span(), text))
}

fn check_kind(function: &ImplItemFn, kind: Kind, receiver: &Receiver) -> Result<()> {
    let signature = &function.sig;
    match (kind, signature.asyncness) {
        (Kind::Inline | Kind::Spawn, None) => Err(Error::new(
            signature.fn_token.span,
            "a method is an `async fn`; mark a plain `fn` `#[rpc(blocking)]`, `#[rpc(stream)]` or `#[rpc(skip)]`",
        )),
        (Kind::Blocking, Some(token)) => {
            Err(Error::new(token.span, "a blocking method is a plain `fn`, not an `async fn`"))
        }
        (Kind::Stream, Some(token)) => {
            let text = "a streaming method is a plain `fn` that returns the stream, not an `async fn`";
            Err(Error::new(token.span, text))
        }
        (Kind::Stream, None) => check_stream(&signature.output, receiver),
        _ => Ok(()),
    }
}

/// `&self` ends before the stream does, and `impl Stream` captures it unless told otherwise.
fn check_stream(output: &ReturnType, receiver: &Receiver) -> Result<()> {
    let ReturnType::Type(_, ty) = output else {
        return Err(Error::new(
            output.span(),
            "a streaming method returns `impl Stream<Item = Result<…, Error>>`",
        ));
    };
    match &**ty {
        Type::ImplTrait(bounds)
            if matches!(&*receiver.ty, Type::Reference(_))
                && !bounds.bounds.iter().any(|bound| matches!(bound, TypeParamBound::PreciseCapture(_))) =>
        {
            let text =
                "the stream lives longer than `&self`: take `self: Arc<Self>`, or add `+ use<>` to this type";
            Err(Error::new(ty.span(), text))
        }
        _ => Ok(()),
    }
}

fn arguments(function: &ImplItemFn) -> Result<Vec<Type>> {
    let mut types = Vec::new();
    for input in &function.sig.inputs {
        let FnArg::Typed(argument) = input else { continue };
        match &*argument.ty {
            Type::Reference(ty) => {
                let text = "arguments are decoded into a type of their own: `String` in place of `&str`";
                return Err(Error::new(ty.span(), text));
            }
            Type::ImplTrait(ty) => {
                return Err(Error::new(
                    ty.span(),
                    "a method of a service cannot be generic: callers send no types",
                ));
            }
            ty => types.push(ty.clone()),
        }
        if types.len() > 2 {
            let text =
                "a call has one argument: put these into a struct (`(&self, args)` or `(&self, cx, args)`)";
            return Err(Error::new(argument.span(), text));
        }
    }
    Ok(types)
}

/// The text of doc comments, without the blank after `///`.
fn doc(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .map(|line| line.strip_prefix(' ').map(str::to_owned).unwrap_or(line))
        .collect();
    lines.join("\n").trim().to_owned()
}

/// `get_user` → `GetUser`, as Go names its methods.
fn go_name(ident: &Ident) -> String {
    let mut name = String::new();
    for word in ident.unraw().to_string().split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests;
