//! Members of structs with flattened fields, under names in another case, as Go's `encoding/json` takes them.
//!
//! Such a struct does not say which members it has but by its errors: one that has to be there is missing, or one is
//! there twice. Those with a default, which are never missing, are found by trying: where a name may be theirs, the value
//! is read once more with that member under each likely spelling, twice, and the struct says which of them it has twice.
//! What comes of a name is remembered for its type, so that it is tried once.

use super::learned;
use std::{any::TypeId, cell::RefCell, rc::Rc};

/// Letters of a name up to which each spelling is likely.
const EACH_SPELLING: usize = 8;
/// Longer names are not tried.
const MAX_NAME: usize = 48;
/// Spellings that are tried of one name.
const MAX_SPELLINGS: usize = 1500;
/// Bytes of a message up to which names are tried: it is read once more for each.
const MAX_MESSAGE: usize = 256 << 10;

/// The names that such structs have been given, by the latest reading.
#[derive(Debug, Default)]
pub(super) struct Spelling(RefCell<Option<Box<Given>>>);

#[derive(Debug, Default)]
struct Given {
    names: Vec<Name>,
    tried: Option<Rc<Tried>>,
    /// Whether no more names are tried for this value.
    is_over: bool,
}

#[derive(Debug)]
struct Name {
    text: String,
    /// Whether the struct has kept its value for flattened fields: it is none of its own.
    is_kept: bool,
    may_be_tried: bool,
}

/// A name that is tried, and how it may be spelled.
#[derive(Debug)]
pub(crate) struct Tried {
    name: String,
    pub(crate) spellings: Vec<String>,
}

impl Tried {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Spelling {
    /// Notes a name, of a message of that many bytes.
    pub(super) fn note(&self, name: &str, message: usize) {
        let mut given = self.0.borrow_mut();
        let names = &mut given.get_or_insert_default().names;
        // Of lists of structs they come again and again, mostly in the same order.
        if names.last().is_some_and(|last| last.text == name) || names.len() >= 4 * MAX_SPELLINGS {
            return;
        }
        let may_be_tried = message <= MAX_MESSAGE && name.len() <= MAX_NAME;
        names.push(Name { text: name.to_owned(), is_kept: false, may_be_tried });
    }

    /// The struct has kept the value of the name noted last for its flattened fields.
    pub(super) fn note_kept(&self) {
        if let Some(name) = self.0.borrow_mut().as_mut().and_then(|given| given.names.last_mut()) {
            name.is_kept = true;
        }
    }

    /// Whether a name like this one, in any case, has been given, and not this very one.
    pub(super) fn is_given_otherwise(&self, name: &str) -> bool {
        let given = self.0.borrow();
        let names = given.iter().flat_map(|given| &given.names);
        let mut alike = names.filter(|given| given.text.eq_ignore_ascii_case(name)).peekable();
        alike.peek().is_some() && alike.all(|given| given.text != name)
    }

    /// The name that is tried by this reading.
    pub(super) fn tried(&self) -> Option<Rc<Tried>> {
        self.0.borrow().as_ref()?.tried.clone()
    }

    /// The end of the reading that has tried a name, of which the struct has had this field twice, or none. One that
    /// failed for something else says nothing of the name: the value may be of another type than the member.
    pub(super) fn end(&self, found: Option<&'static str>, has_succeeded: bool, of: TypeId) {
        let mut given = self.0.borrow_mut();
        let given = given.get_or_insert_default();
        given.names.clear();
        if let Some(tried) = given.tried.take() {
            match found.is_some() || has_succeeded {
                true => learned::learn_spelling(of, &tried.name, found),
                false => given.is_over = true,
            }
        }
    }

    /// How names that have been given are spelled by the type; begins to try one of which that is not known.
    pub(super) fn of_given(&self, of: TypeId) -> Found {
        let mut all = self.0.borrow_mut();
        let Some(given) = all.as_mut() else { return Found::Known(Vec::new()) };
        let mut known = Vec::new();
        for name in given.names.iter().filter(|name| name.is_kept) {
            match learned::spelling(of, &name.text) {
                Some(spelling) => known.extend(spelling.filter(|spelling| *spelling != name.text)),
                None if !name.may_be_tried || given.is_over => {}
                None => {
                    let (name, spellings) = (name.text.clone(), spellings(&name.text));
                    given.names.clear();
                    given.tried = Some(Rc::new(Tried { name, spellings }));
                    return Found::Trying;
                }
            }
        }
        // A member that is there under its own name too is that.
        known.retain(|spelling| given.names.iter().all(|name| name.text != *spelling));
        given.names.clear();
        Found::Known(known)
    }
}

/// What is known of the names that were given.
pub(super) enum Found {
    /// These members are there in another case.
    Known(Vec<&'static str>),
    /// The next reading tries one of them.
    Trying,
}

/// The spellings of a name that are likely, itself first: of a short one all, of another those with up to three capitals
/// and those in which its own words are small, capitalised or capitals.
fn spellings(name: &str) -> Vec<String> {
    let letters: Vec<usize> =
        name.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic()).map(|(at, _)| at).collect();
    let small = name.to_ascii_lowercase();
    let with_capitals = |capitals: &[usize]| {
        let mut bytes = small.clone().into_bytes();
        capitals.iter().filter_map(|at| letters.get(*at)).for_each(|at| {
            if let Some(byte) = bytes.get_mut(*at) {
                byte.make_ascii_uppercase();
            }
        });
        String::from_utf8(bytes).unwrap_or_default()
    };
    let mut all = vec![name.to_owned(), small.clone(), name.to_ascii_uppercase()];
    if letters.len() <= EACH_SPELLING {
        for capitals in 0_u32..1 << letters.len() {
            let capitals: Vec<usize> = (0..letters.len()).filter(|at| capitals >> at & 1 == 1).collect();
            all.push(with_capitals(&capitals));
        }
    } else {
        all.extend(of_words(name));
        let places = 0..letters.len();
        all.extend(places.clone().map(|one| with_capitals(&[one])));
        let pairs = places.clone().flat_map(|one| (0..one).map(move |two| [one, two]));
        all.extend(pairs.clone().map(|pair| with_capitals(&pair)));
        let triples = pairs.flat_map(|[one, two]| (0..two).map(move |three| [one, two, three]));
        all.extend(triples.take(MAX_SPELLINGS).map(|triple| with_capitals(&triple)));
    }
    all.truncate(MAX_SPELLINGS);
    let mut seen = std::collections::HashSet::new();
    all.retain(|spelling| seen.insert(spelling.clone()));
    all
}

/// The name with each of its words, as capitals tell them apart, small, capitalised and in capitals.
fn of_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last_is_small = true;
    for letter in name.chars() {
        if words.is_empty() || (last_is_small && letter.is_ascii_uppercase()) {
            words.push(String::new());
        }
        last_is_small = !letter.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    words.truncate(5);
    let mut all = vec![String::new()];
    for word in &words {
        let small = word.to_ascii_lowercase();
        let mut capitalised = small.clone();
        if let Some(first) = capitalised.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let forms = [small, capitalised, word.to_ascii_uppercase()];
        all = all.iter().flat_map(|before| forms.iter().map(move |form| format!("{before}{form}"))).collect();
    }
    all.retain(|spelling| spelling.len() == name.len());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_spellings() {
        for (name, others) in [
            ("Note", &["note", "NOTE", "nOtE", "Note"][..]),
            ("customerreference", &["customerReference", "CustomerReference", "CUSTOMERREFERENCE"]),
            ("CustomerReferenceID", &["customerReferenceId", "customerReferenceID", "customerreferenceid"]),
            ("user_name_at_home", &["user_name_at_home", "User_Name_At_home", "USER_NAME_AT_HOME"]),
        ] {
            let all = spellings(name);
            assert!(all.len() <= MAX_SPELLINGS && all[0] == name);
            for other in others {
                assert!(all.iter().any(|one| one == other), "{name}: {other}");
            }
            assert!(all.iter().all(|one| one.eq_ignore_ascii_case(name)));
        }
    }
}
