//! Names side by side: where two subjects (people in a room, rooms of a profile) have names that look alike, each gets a tag.
//!
//! A tag is the beginning of the subject's id in hexadecimal: 8 digits, and 4 more for as long as another of the like-named
//! ones begins with the same. So two tags shown for one name always differ, whatever ids were made for that.

use super::alike;
use std::collections::{BTreeMap, BTreeSet};

type Id = [u8; 16];

const TAG_DIGITS: usize = 8;
const TAG_STEP: usize = 4;

/// All names of all subjects that can be seen beside each other.
#[derive(Default)]
pub struct NameBook {
    subjects: BTreeMap<String, BTreeSet<Id>>,
}

/// Names stay out of logs.
impl core::fmt::Debug for NameBook {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NameBook(…)")
    }
}

impl NameBook {
    /// Notes that a subject has, or had, a name.
    pub fn add(&mut self, subject: Id, name: &str) {
        for key in alike::keys(name) {
            self.subjects.entry(key).or_default().insert(subject);
        }
    }

    /// What is to be shown beside a person's name, where another has one that looks like it, or where it looks tagged itself.
    #[must_use]
    pub fn person_tag(&self, account: &Id, name: &str) -> Option<String> {
        self.tag(account, name, alike::looks_tagged(name))
    }

    /// What is to be shown beside a room's name, where another has one that looks like it, or where it looks like an id.
    #[must_use]
    pub fn room_tag(&self, room: &Id, name: &str) -> Option<String> {
        self.tag(room, name, alike::looks_tagged(name) || alike::looks_like_an_id(name))
    }

    fn tag(&self, subject: &Id, name: &str, is_always_tagged: bool) -> Option<String> {
        let keys = alike::keys(name);
        let alike = keys.iter().filter_map(|key| self.subjects.get(key)).flatten();
        let mut others = alike.filter(|other| *other != subject).peekable();
        if others.peek().is_none() && !is_always_tagged {
            return None;
        }
        let own = digits(subject);
        let in_common =
            |other: &Id| own.chars().zip(digits(other).chars()).take_while(|(a, b)| a == b).count();
        let needed = others.map(|other| in_common(other).saturating_add(1)).max().unwrap_or(0);
        let length = needed.max(TAG_DIGITS).next_multiple_of(TAG_STEP);
        Some(own.chars().take(length).collect())
    }
}

fn digits(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(first: [u8; 6]) -> Id {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&first);
        id
    }

    #[test]
    fn only_names_that_look_alike_are_tagged_and_tags_always_differ() {
        let (ada, eve, mallory, bob) =
            (id([1, 2, 3, 4, 5, 6]), id([1, 2, 3, 4, 5, 7]), id([0xab; 6]), id([9; 6]));
        let mut book = NameBook::default();
        book.add(ada, "Ada");
        book.add(ada, "Ada Lovelace");
        book.add(bob, "Bob");
        assert_eq!(book.person_tag(&ada, "Ada"), None, "no other has the name");
        book.add(mallory, "АDА");
        assert_eq!(book.person_tag(&ada, "Ada").as_deref(), Some("01020304"));
        assert_eq!(book.person_tag(&mallory, "АDА").as_deref(), Some("abababab"));
        assert_eq!(book.person_tag(&ada, "Ada Lovelace"), None);
        assert_eq!(book.person_tag(&bob, "Bob"), None);
        // An id was made that begins as Ada's.
        book.add(eve, "Ada");
        assert_eq!(book.person_tag(&ada, "Ada").as_deref(), Some("010203040506"));
        assert_eq!(book.person_tag(&eve, "Ada").as_deref(), Some("010203040507"));
        // A name from before, of a person who is not in the book by it.
        assert_eq!(book.person_tag(&bob, "Ada").as_deref(), Some("09090909"));
    }

    #[test]
    fn a_name_that_is_like_a_tagged_one_is_tagged() {
        let mut book = NameBook::default();
        let eve = id([7; 6]);
        book.add(eve, "Ada#01020304");
        assert_eq!(book.person_tag(&eve, "Ada#01020304").as_deref(), Some("07070707"));
        assert_eq!(book.room_tag(&eve, "01020304").as_deref(), Some("07070707"));
        assert_eq!(book.room_tag(&eve, "Garden"), None);
    }
}
