//! The room that is meant: an id always means the room with that id, whatever other rooms are called.
//!
//! | what is given | means |
//! |---|---|
//! | 8 to 32 hexadecimal digits | the room whose id begins so; never a room that is called so |
//! | a name, `#`, and 8 or more such digits | the room of that name whose id begins so |
//! | anything else | the room of that name, else the one whose name begins so |
//!
//! Names are compared by their lookup form: normal form, case and width do not matter. A room whose name looks like an id is found by
//! its own id alone.

use crate::{
    failure::Failure,
    output::{hex, one_line},
};
use sotto_client_core::{RoomView, names};

/// Shortest beginning of an id that is taken for one: what `sotto rooms` shows.
pub const ID_PREFIX_DIGITS: usize = 8;

/// The room that is meant.
pub fn find<'a>(rooms: &'a [RoomView], wanted: &str) -> Result<&'a RoomView, Failure> {
    let wanted = wanted.trim();
    if looks_like_id(wanted) {
        let digits = names::lookup_key(wanted);
        return one_of(rooms, rooms.iter().filter(|room| hex(room.id.as_bytes()).starts_with(&digits)), "id");
    }
    // As lists show a room whose name looks like another's: the digits say which.
    if let Some((name, tag)) = wanted.rsplit_once('#').filter(|(_, tag)| looks_like_id(tag)) {
        let (key, digits) = (names::lookup_key(name), names::lookup_key(tag));
        let is_it = |room: &&RoomView| {
            hex(room.id.as_bytes()).starts_with(&digits) && names::lookup_key(&room.name) == key
        };
        return one_of(rooms, rooms.iter().filter(is_it), "name and id");
    }
    let named: Vec<&RoomView> = rooms.iter().filter(|room| !looks_like_id(&room.name)).collect();
    let key = names::lookup_key(wanted);
    let same: Vec<&RoomView> =
        named.iter().copied().filter(|room| names::lookup_key(&room.name) == key).collect();
    if same.is_empty() {
        let begins = named.into_iter().filter(|room| names::starts_with(&room.name, wanted));
        one_of(rooms, begins, "name")
    } else {
        one_of(rooms, same.into_iter(), "name")
    }
}

/// Whether a name could be taken for an id.
pub fn looks_like_id(name: &str) -> bool {
    let key = names::lookup_key(name);
    key.len() >= ID_PREFIX_DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn one_of<'a>(
    all: &[RoomView],
    found: impl Iterator<Item = &'a RoomView>,
    what: &str,
) -> Result<&'a RoomView, Failure> {
    let found: Vec<&RoomView> = found.collect();
    match found.as_slice() {
        [room] => Ok(room),
        [] if all.is_empty() => Err(Failure::new(
            "there is no room in this profile",
            "Make one with `sotto rooms create NAME`, or join one with `sotto join LINK --as NAME`.",
        )),
        [] => Err(Failure::new(
            format!("no room of this profile has that {what}"),
            "`sotto rooms` lists names and ids.",
        )),
        several => {
            let line = |room: &&RoomView| format!("  {}  {}", hex(room.id.as_bytes()), one_line(&room.name));
            let list: Vec<String> = several.iter().map(line).collect();
            Err(Failure::new(
                "that could be more than one room",
                format!("Name one by its id:\n{}", list.join("\n")),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_client_core::RoomId;

    fn room(id: u8, name: &str) -> RoomView {
        RoomView {
            id: RoomId::new([id; 16]),
            name: name.into(),
            tag: None,
            member_count: 1,
            is_post_quantum: true,
            is_caught_up: true,
            alarms: Vec::new(),
            end: None,
            head_seq: 0,
        }
    }

    #[track_caller]
    fn check(rooms: &[RoomView], wanted: &str, expected: Option<u8>) {
        let found = find(rooms, wanted).ok().map(|room| room.id);
        assert_eq!(found, expected.map(|id| RoomId::new([id; 16])), "{wanted}");
    }

    #[test]
    fn rooms_are_found_by_name_beginning_and_id() {
        let rooms = [room(0xab, "Garden"), room(0xcd, "Garden party"), room(0xef, "Work"), room(1, "Café")];
        check(&rooms, "Garden", Some(0xab));
        check(&rooms, "garden", Some(0xab));
        check(&rooms, "wo", Some(0xef));
        check(&rooms, "CDCDCDCD", Some(0xcd));
        check(&rooms, "cdcd", None);
        check(&rooms, "gar", None);
        check(&rooms, "Cafe\u{301}", Some(1));
        check(&rooms, "nothing", None);
        check(&rooms, "", None);
    }

    #[test]
    fn an_id_means_its_room_and_no_room_that_is_called_so() {
        let id = hex(&[0xab; 16]);
        let wide: String = id.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        let called = [id.clone(), id.to_uppercase(), wide, format!(" {id}"), "abababab".into()];
        for name in &called {
            let rooms = [room(0xab, "Garden"), room(0xcd, name)];
            check(&rooms, &id, Some(0xab));
            check(&rooms, "abababab", Some(0xab));
            check(&rooms, name, Some(0xab));
            check(&rooms, "cdcdcdcd", Some(0xcd));
            // Where the room of that id is not in the profile, nothing is meant.
            check(&rooms[1..], &id, None);
            check(&rooms[1..], "abababab", None);
        }
        check(&[room(1, "facade"), room(0xfa, "Work")], "facade", Some(1));
        // What a list shows of one of two rooms of a name leads there, and not to a room that is called so.
        let rooms = [room(0xab, "Garden"), room(0xcd, "Garden"), room(0xef, "Garden#abababab")];
        check(&rooms, "Garden#abababab", Some(0xab));
        check(&rooms, "garden#CDCDCDCD", Some(0xcd));
        check(&rooms[1..], "Garden#abababab", None);
    }
}
