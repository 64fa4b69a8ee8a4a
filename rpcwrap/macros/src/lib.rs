//! Stub.
use proc_macro::TokenStream;
/// Stub.
#[proc_macro_attribute]
pub fn service(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
