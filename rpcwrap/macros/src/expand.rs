//! From a checked `impl` block to the block itself and `impl From<Type> for rpcwrap::Service`.
//!
//! Calls of the base layer only. What is written for a method carries the place of the method's name, so that the
//! compiler reports a type that does not fit there, not at the attribute.

use crate::parse::{Kind, Method, Service};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{ItemImpl, Type};

/// The whole expansion.
pub(crate) fn service(item: &ItemImpl, service: &Service) -> TokenStream {
    let Service { name, doc, methods } = service;
    let ty = &item.self_ty;
    let (generics, _, where_clause) = item.generics.split_for_impl();
    let with_methods = methods.iter().map(|method| with_method(method, ty));
    let site = Span::mixed_site();
    let doc = (!doc.is_empty()).then(|| quote_spanned!(site=> let service = service.doc(#doc);));
    quote_spanned! {site=>
        #item

        #[automatically_derived]
        impl #generics ::core::convert::From<#ty> for ::rpcwrap::Service #where_clause {
            fn from(value: #ty) -> Self {
                let this = ::std::sync::Arc::new(value);
                let service = ::rpcwrap::Service::new(#name);
                #doc
                #(#with_methods)*
                // Without methods it would be unused.
                let _ = this;
                service
            }
        }
    }
}

fn with_method(method: &Method, ty: &Type) -> TokenStream {
    let cfgs = &method.cfgs;
    let new = new_method(method, ty);
    let options = options(method);
    quote_spanned! {Span::mixed_site()=>
        #(#cfgs)*
        let service = service.with({
            let this = ::std::sync::Arc::clone(&this);
            #new #options
        });
    }
}

fn new_method(method: &Method, ty: &Type) -> TokenStream {
    let name = &method.name;
    let ident = &method.ident;
    // The method's place for messages, the macro's own scope for names.
    let span = ident.span().resolved_at(Span::mixed_site());
    let constructor = Ident::new(
        match method.kind {
            Kind::Inline => "new",
            Kind::Spawn => "spawn",
            Kind::Blocking => "blocking",
            Kind::Stream => "stream",
        },
        span,
    );
    let (parameters, arguments) = parameters(method, ty, span);
    let call = quote_spanned!(span=> this.#ident(#arguments));
    let body = match method.kind {
        Kind::Inline | Kind::Spawn => quote_spanned!(span=> async move { #call.await }),
        Kind::Blocking | Kind::Stream => call,
    };
    quote_spanned! {span=>
        {
            let described = ::rpcwrap::macro_support::Described::#constructor(#name, move |#parameters| {
                let this = ::std::sync::Arc::clone(&this);
                #body
            });
            let reply = {
                #[allow(unused_imports, clippy::needless_borrow)]
                use ::rpcwrap::macro_support::{AnyReply as _, ReadReply as _};
                (&described).reply_type()
            };
            described.into_method(reply)
        }
    }
}

/// The parameters of the closure, and what it hands to the method.
fn parameters(method: &Method, ty: &Type, span: Span) -> (TokenStream, TokenStream) {
    let types: Vec<TokenStream> =
        method.args.iter().map(|arg| without_self(arg.to_token_stream(), ty)).collect();
    match types.as_slice() {
        // The caller may send anything; it is read over.
        [] => (quote_spanned!(span=> _: ::rpcwrap::macro_support::IgnoredAny), TokenStream::new()),
        [args] => (quote_spanned!(span=> args: #args), quote_spanned!(span=> args)),
        types => {
            let names: Vec<Ident> = (0..types.len()).map(|n| Ident::new(&format!("arg{n}"), span)).collect();
            (quote_spanned!(span=> #(#names: #types),*), quote_spanned!(span=> #(#names),*))
        }
    }
}

fn options(method: &Method) -> TokenStream {
    let doc = (!method.doc.is_empty()).then(|| {
        let doc = &method.doc;
        quote!(.doc(#doc))
    });
    let idempotent = method.idempotent.then(|| quote!(.idempotent()));
    let read_only = method.read_only.then(|| quote!(.read_only()));
    let timeout =
        method.timeout_ms.as_ref().map(|ms| quote!(.timeout(::core::time::Duration::from_millis(#ms))));
    let max_in_flight = method.max_in_flight.as_ref().map(|limit| quote!(.max_in_flight(#limit)));
    quote!(#doc #idempotent #read_only #timeout #max_in_flight)
}

/// In `impl From<Arith> for Service`, where the arguments' types go, `Self` would be the service.
fn without_self(tokens: TokenStream, ty: &Type) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => ty.to_token_stream(),
        TokenTree::Group(group) => {
            let inner = without_self(group.stream(), ty);
            TokenTree::from(Group::new(group.delimiter(), inner)).into()
        }
        token => token.into(),
    };
    tokens.into_iter().map(replace).collect::<Vec<TokenStream>>().into_iter().collect()
}
