//! What has been found out of types: it bounds how often a value is read.
//!
//! For each type at most the names of its fields, by the first values in which they are left out or come twice. Only
//! values that have to be read again take part.

use super::RepeatedField;
use crate::zero::ZeroField;
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
struct Learned {
    zero_fields: Vec<ZeroField>,
    repeated: Vec<RepeatedField>,
}

fn all() -> MutexGuard<'static, Option<HashMap<TypeId, Learned>>> {
    static ALL: Mutex<Option<HashMap<TypeId, Learned>>> = Mutex::new(None);
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fields that values of this type have been asked for though they are not there.
pub(super) fn zero_fields(of: TypeId) -> Vec<ZeroField> {
    let all = all();
    let learned = all.as_ref().and_then(|all| all.get(&of));
    learned.map(|learned| learned.zero_fields.clone()).unwrap_or_default()
}

pub(super) fn learn_zero_field(of: TypeId, field: ZeroField) {
    let mut all = all();
    let zero_fields = &mut all.get_or_insert_default().entry(of).or_default().zero_fields;
    if !zero_fields.contains(&field) {
        zero_fields.push(field);
    }
}

/// The fields that values of this type have had twice.
pub(super) fn repeated_fields(of: TypeId) -> Vec<RepeatedField> {
    let all = all();
    let learned = all.as_ref().and_then(|all| all.get(&of));
    learned.map(|learned| learned.repeated.clone()).unwrap_or_default()
}

pub(super) fn learn_repeated_fields(of: TypeId, fields: &[RepeatedField]) {
    let mut all = all();
    let repeated = &mut all.get_or_insert_default().entry(of).or_default().repeated;
    for field in fields {
        match repeated.iter_mut().find(|known| known.own == field.own) {
            None => repeated.push(field.clone()),
            Some(known) => {
                let news = field.others.iter().filter(|other| !known.others.contains(other));
                let news: Vec<_> = news.copied().collect();
                known.others.extend(news);
            }
        }
    }
}
