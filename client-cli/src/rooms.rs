//! Rooms by name, beginning of a name, or id.

use crate::{
    failure::Failure,
    output::{clean, hex},
};
use sotto_client_core::RoomView;

/// Shortest beginning of an id that is taken for one.
const ID_PREFIX_MIN: usize = 4;

/// The room that is meant.
pub fn find<'a>(rooms: &'a [RoomView], wanted: &str) -> Result<&'a RoomView, Failure> {
    let lower = wanted.to_lowercase();
    let exact: Vec<_> = rooms.iter().filter(|room| room.name == wanted).collect();
    let candidates = if exact.is_empty() {
        let is_id =
            |room: &RoomView| lower.len() >= ID_PREFIX_MIN && hex(room.id.as_bytes()).starts_with(&lower);
        rooms.iter().filter(|room| room.name.to_lowercase().starts_with(&lower) || is_id(room)).collect()
    } else {
        exact
    };
    match candidates.as_slice() {
        [room] => Ok(room),
        [] if rooms.is_empty() => Err(Failure::new(
            "there is no room in this profile",
            "Make one with `sotto rooms create NAME`, or join one with `sotto join LINK --as NAME`.",
        )),
        [] => Err(Failure::new("no room of this profile has that name", "`sotto rooms` lists them.")),
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|room| format!("  {}  {}", hex(room.id.as_bytes()), clean(&room.name)))
                .collect();
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

    #[test]
    fn rooms_are_found_by_name_beginning_and_id() {
        let room = |id, name: &str| RoomView {
            id: RoomId::new([id; 16]),
            name: name.into(),
            tag: None,
            member_count: 1,
            is_post_quantum: true,
            is_caught_up: true,
            alarm: None,
            head_seq: 0,
        };
        let rooms = [room(0xab, "Garden"), room(0xcd, "Garden party"), room(0xef, "Work")];
        let name = |wanted| find(&rooms, wanted).ok().map(|room| room.name.as_str());
        assert_eq!(name("Garden"), Some("Garden"));
        assert_eq!(name("wo"), Some("Work"));
        assert_eq!(name("cdcd"), Some("Garden party"));
        assert_eq!(name("gar"), None, "ambiguous");
        assert_eq!(name("nothing"), None);
    }
}
