//! What an `impl` block is read as, and what its mistakes are told.

use super::*;

fn parse(options: &str, block: &str) -> std::result::Result<Service, String> {
    parse_into(options, &mut syn::parse_str(block).unwrap())
}

fn parse_into(options: &str, block: &mut ItemImpl) -> std::result::Result<Service, String> {
    let options = syn::parse_str(options).map_err(|error| error.to_string())?;
    service(&options, block).map_err(|errors| {
        let texts: Vec<String> = errors.into_iter().map(|error| error.to_string()).collect();
        texts.join(" | ")
    })
}

#[test]
fn names_docs_and_options() {
    let block = r#"
        /// Does things.
        ///
        /// Many.
        impl shop::Till<'static> {
            const N: u8 = 1;
            fn new() -> Self { Self }
            /// Sums up.
            #[rpc(idempotent, read_only, timeout_ms = 500)]
            #[cfg(unix)]
            #[must_use]
            #[rpc(max_in_flight = 4)]
            async fn sum_of_all(&self, cx: Context, items: Vec<u8>) -> Result<u8, Error> {}
            #[rpc(blocking, name = "hash")]
            fn r#type(self: Arc<Self>) -> Result<u8, Error> {}
            #[rpc(spawn)]
            async fn v2_a(&self, x: u8) -> Result<u8, Error> {}
            #[rpc(skip)]
            async fn helper<T>(&mut self, x: &T) {}
        }"#;
    let mut block = syn::parse_str(block).unwrap();
    let till = parse_into("", &mut block).unwrap();
    assert_eq!((&*till.name, &*till.doc), ("Till", "Does things.\n\nMany."));
    let names: Vec<_> = till.methods.iter().map(|m| (&*m.name, m.args.len())).collect();
    assert_eq!(names, [("SumOfAll", 2), ("hash", 0), ("V2A", 1)]);
    let sum = &till.methods[0];
    assert!(
        sum.idempotent
            && sum.read_only
            && sum.kind == Kind::Inline
            && sum.doc == "Sums up."
            && sum.cfgs.len() == 1
    );
    let number = |n: &Option<LitInt>| n.as_ref().unwrap().base10_parse::<u64>().unwrap();
    assert_eq!((number(&sum.timeout_ms), number(&sum.max_in_flight)), (500, 4));
    assert!(till.methods[1].kind == Kind::Blocking && till.methods[2].kind == Kind::Spawn);
    // The block is as it was, without our attributes only.
    let ImplItem::Fn(kept) = &block.items[2] else { panic!("order changed") };
    assert_eq!(kept.attrs.len(), 3);
    assert_eq!(block.items.len(), 6);

    assert_eq!(parse(r#"name = "Kasse""#, "impl Till {}").unwrap().name, "Kasse");
}

#[test]
fn streams_outlive_self() {
    for (signature, fits) in [
        ("fn up(&self) -> impl Stream<Item = Item> + use<>", true),
        ("fn up(self: Arc<Self>) -> impl Stream<Item = Item>", true),
        ("fn up(&self) -> BoxStream<'static, Item>", true),
        ("fn up(&self) -> impl Stream<Item = Item>", false),
        ("fn up(self: &Self) -> impl Stream<Item = Item>", false),
        ("fn up(&self)", false),
    ] {
        let parsed = parse("", &format!("impl Count {{ #[rpc(stream)] {signature} {{}} }}"));
        assert_eq!(parsed.is_ok(), fits, "{signature}");
    }
}

#[test]
fn mistakes_are_explained() {
    for (function, text) in [
        ("async fn f(args: u8) {}", "takes `&self`"),
        ("#[rpc(idempotent)] fn f(args: u8) {}", "takes `&self`"),
        ("async fn f(&mut self) {}", "take `&self` or"),
        ("async fn f(self) {}", "take `&self` or"),
        ("async fn f<T>(&self, x: T) {}", "cannot be generic"),
        ("async fn f<'a>(&'a self, x: u8) {}", "cannot be generic"),
        ("async fn f(&self, x: impl Into<u8>) {}", "cannot be generic"),
        ("async fn f(&self, x: &str) {}", "`String` in place of `&str`"),
        ("async fn f(&self, cx: Context, a: u8, b: u8) {}", "put these into a struct"),
        ("fn f(&self) {}", "is an `async fn`"),
        ("#[rpc(spawn)] fn f(&self) {}", "is an `async fn`"),
        ("#[rpc(blocking)] async fn f(&self) {}", "a blocking method is a plain `fn`"),
        ("#[rpc(stream)] async fn f(&self) {}", "a streaming method is a plain `fn`"),
        ("#[rpc(stream, blocking)] fn f(&self) {}", "`blocking` and `stream` exclude each other"),
        ("#[rpc(spawn, spawn)] async fn f(&self) {}", "`spawn` is given twice"),
        ("#[rpc(skip, idempotent)] async fn f(&self) {}", "`skip` leaves the method out"),
        ("#[rpc(retry)] async fn f(&self) {}", "unknown option `retry`, expected one of `name`"),
        ("#[rpc(timeout_ms = 0)] async fn f(&self) {}", "must be at least 1"),
        ("#[rpc(timeout_ms = \"5\")] async fn f(&self) {}", "expected integer literal"),
        ("#[rpc(max_in_flight = -1)] async fn f(&self) {}", "number too large|invalid digit|expected"),
        ("#[rpc(name = 5)] async fn f(&self) {}", "expected string literal"),
        ("#[rpc(a::b)] async fn f(&self) {}", "expected"),
    ] {
        let error = parse("", &format!("impl Service {{ {function} }}")).err();
        let error = error.unwrap_or_else(|| panic!("accepted: {function}"));
        assert!(text.split('|').any(|text| error.contains(text)), "{function}: {error}");
    }
    for (options, block, text) in [
        ("nom = \"x\"", "impl S {}", "unknown option `nom`"),
        ("name = \"x\", name = \"y\"", "impl S {}", "given twice"),
        ("name = x", "impl S {}", "expected string literal"),
        ("", "impl Clone for S {}", "inherent impl block"),
        ("", "impl (u8, u8) {}", "this type has no name"),
        (
            "",
            "impl S { async fn f() {} async fn g(self) {} }",
            "takes `&self`; mark other functions `#[rpc(skip)]` | calls run",
        ),
    ] {
        let error = parse(options, block).err().unwrap();
        assert!(error.contains(text), "{options} {block}: {error}");
    }
}
