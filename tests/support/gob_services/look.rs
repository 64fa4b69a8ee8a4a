//! `Look` and `Make`: values taken apart and put together, so that each way is judged by itself.

use super::{
    interfaces::{AnyHolder, Holder, any_of_kind, kind, loose, of_kind},
    types::{Moment, Node, Pointers, Tree},
};
use rpcwrap::{
    Error, Service,
    codecs::types::{Blob, Complex, Text, Time},
    with_reply_type,
};
use std::collections::BTreeMap;

/// `Look`: says what it was given.
#[must_use]
pub fn look() -> Service {
    Service::new("Look")
        .method("Float", |value: f64| async move { Ok(value.to_bits()) })
        .method("Complex", |value: Complex| async move { Ok([value.re, value.im]) })
        .method("Text", |value: Text| async move { Ok(Blob::from(value.0)) })
        .method("Time", |value: Time| async move { Ok(moment(value)) })
        .method("Tree", |value: Tree| async move { Ok(value.shape()) })
        .method("Node", |value: Node| async move { Ok(values(&value)) })
        .method("Holder", |value: Holder| async move { Ok(kind(value.v.as_ref())) })
        .method("Any", |value: AnyHolder| async move { Ok(loose(&value.v)) })
        .method("Sum", with_reply_type(sums))
        .method("Pointers", |value: Pointers| async move { Ok(set(&value)) })
}

/// `Make`: gives what it is told.
#[must_use]
pub fn make() -> Service {
    Service::new("Make")
        .method("Float", |bits: u64| async move { Ok(f64::from_bits(bits)) })
        .method("Complex", |[re, im]: [f64; 2]| async move { Ok(Complex { re, im }) })
        .method("Text", |value: Blob| async move { Ok(Text::from(value.0)) })
        .method("Time", |value: Moment| async move { time(value).ok_or_else(|| Error::new("no such time")) })
        .method("Tree", |depth: i64| async move { Ok(Tree::of_depth(depth, 0)) })
        .method("Node", |n: i64| async move { Ok(Node::list(n)) })
        .method("Holder", with_reply_type(|kind: String| async move { Ok(Holder { v: of_kind(&kind) }) }))
        .method("Any", |kind: String| async move { Ok(AnyHolder { v: any_of_kind(&kind) }) })
}

/// First to last.
fn values(list: &Node) -> Vec<i64> {
    std::iter::successors(Some(list), |node| node.next.as_deref()).map(|node| node.value).collect()
}

/// As Go adds up: what has nothing to add is not there.
async fn sums(lists: BTreeMap<String, Vec<i64>>) -> Result<BTreeMap<String, i64>, Error> {
    let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Ok(filled.map(|(key, list)| (key, list.iter().sum())).collect())
}

/// The names of those that point to something.
fn set(value: &Pointers) -> Vec<&'static str> {
    let Pointers { i, u, f, b, s, by, r#in, l, m } = value;
    let all = [
        ("I", i.is_some()),
        ("U", u.is_some()),
        ("F", f.is_some()),
        ("B", b.is_some()),
        ("S", s.is_some()),
        ("By", by.is_some()),
        ("In", r#in.is_some()),
        ("L", l.is_some()),
        ("M", m.is_some()),
    ];
    all.into_iter().filter_map(|(name, set)| set.then_some(name)).collect()
}

/// Takes a time apart.
#[must_use]
pub fn moment(time: Time) -> Moment {
    Moment {
        seconds: time.unix_seconds(),
        nanos: time.nanos().into(),
        offset: time.offset_seconds().unwrap_or(0).into(),
    }
}

/// Puts a time together again.
#[must_use]
pub fn time(Moment { seconds, nanos, offset }: Moment) -> Option<Time> {
    let time = Time::new(seconds, u32::try_from(nanos).ok()?)?;
    if offset == 0 { Some(time) } else { time.with_offset_seconds(i32::try_from(offset).ok()?) }
}
