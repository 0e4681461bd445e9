//! Every decision about who may do what, in one place. Pure functions: what they need to know is handed to them.
//!
//! What is trusted: a signature by the access key of an epoch proves that someone of that epoch is on the connection; one
//! by the join key of the current epoch proves that someone opened its card. Nothing else is believed.

use ed25519_dalek::{Signature, VerifyingKey};
use sotto_protocol::{
    Challenge, DoorId, EntryKind, ErrorCode, RoomAccess, RoomId, join_statement, limits, open_statement,
};

/// What a connection has proven about a room: that it holds the access key of `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The epoch whose key signed.
    pub epoch: u64,
    /// The handshake that began that epoch; 0 for the room's beginning.
    pub began_seq: u64,
}

/// A room as far as decisions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RoomHead {
    /// The current epoch.
    pub epoch: u64,
    /// The last entry.
    pub head_seq: u64,
    /// The last handshake; 0 if none.
    pub last_handshake_seq: u64,
}

/// Which entries a connection may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readable {
    /// Only entries after this one.
    pub after_seq: u64,
    /// Only entries up to this one.
    pub up_to_seq: u64,
    /// Only handshakes.
    pub handshakes_only: bool,
}

/// Whether `signature` opens the room: the access key of the epoch signed this connection's challenge.
pub(crate) fn proves_membership(
    access_key: &[u8; 32],
    authority: &str,
    challenge: &Challenge,
    room: &RoomId,
    epoch: u64,
    signature: &[u8; 64],
) -> bool {
    verifies(access_key, &open_statement(authority, challenge, room, epoch), signature)
}

/// Whether `signature` permits this one handshake: the join key of the current epoch signed door, entry and challenge.
pub(crate) fn proves_card_opened(
    join_key: &[u8; 32],
    authority: &str,
    challenge: &Challenge,
    (room, epoch, door): (&RoomId, u64, &DoorId),
    entry: &[u8],
    signature: &[u8; 64],
) -> bool {
    verifies(join_key, &join_statement(authority, challenge, room, epoch, door, entry), signature)
}

/// How far a grant opens a room.
pub(crate) fn room_access(grant: Grant, head: RoomHead) -> RoomAccess {
    if grant.epoch == head.epoch { RoomAccess::Full } else { RoomAccess::Handshakes }
}

/// What a grant lets a connection read: everything up to now for a current member; for others the handshakes since the
/// epoch they were in, never older ones.
pub(crate) fn readable(grant: Grant, head: RoomHead) -> Readable {
    match room_access(grant, head) {
        RoomAccess::Full => Readable { after_seq: 0, up_to_seq: head.head_seq, handshakes_only: false },
        RoomAccess::Handshakes => {
            Readable { after_seq: grant.began_seq, up_to_seq: head.head_seq, handshakes_only: true }
        }
    }
}

/// Whether a new entry goes to a connection: a message to those who proved its epoch, a handshake to all who opened the
/// room. `entry_epoch` is the epoch that was current when the entry was stored.
pub(crate) fn receives_live(grant: Grant, kind: EntryKind, entry_epoch: u64) -> bool {
    match kind {
        EntryKind::Handshake => true,
        EntryKind::Message => grant.epoch == entry_epoch,
    }
}

/// Whether a message may be appended, judged at the moment of writing.
///
/// # Errors
/// [`ErrorCode::StaleEpoch`] for a message of another epoch, [`ErrorCode::RoomNotOpen`] for a connection that has not
/// opened the room with the current key.
pub(crate) fn may_append(grant: Grant, entry_epoch: u64, head: RoomHead) -> Result<(), ErrorCode> {
    if entry_epoch != head.epoch {
        return Err(ErrorCode::StaleEpoch);
    }
    match room_access(grant, head) {
        RoomAccess::Full => Ok(()),
        RoomAccess::Handshakes => Err(ErrorCode::RoomNotOpen),
    }
}

/// Whether a handshake comes next: the compare-and-swap.
///
/// # Errors
/// [`ErrorCode::Conflict`] where another one came first.
pub(crate) fn handshake_is_next(known_seq: u64, entry_epoch: u64, head: RoomHead) -> Result<(), ErrorCode> {
    if known_seq == head.last_handshake_seq && entry_epoch == head.epoch {
        Ok(())
    } else {
        Err(ErrorCode::Conflict)
    }
}

/// Whether a list of doors has a shape that a room may have: at most [`limits::DOORS_MAX`], none or a power of two.
///
/// # Errors
/// The code, and the limit where one is exceeded.
pub(crate) fn doors_are_in_shape(doors: &[sotto_protocol::Door]) -> Result<(), (ErrorCode, Option<u64>)> {
    if doors.len() > limits::DOORS_MAX {
        return Err((ErrorCode::LimitExceeded, Some(limits::DOORS_MAX as u64)));
    }
    if doors.iter().any(|door| door.wrap.len() > limits::DOOR_WRAP_MAX_BYTES) {
        return Err((ErrorCode::LimitExceeded, Some(limits::DOOR_WRAP_MAX_BYTES as u64)));
    }
    let mut ids: Vec<_> = doors.iter().map(|door| door.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != doors.len() || !(doors.is_empty() || doors.len().is_power_of_two()) {
        return Err((ErrorCode::MalformedFrame, None));
    }
    Ok(())
}

/// Whether a browser's page may open a socket here: only a page of this very origin. `origin` is the `Origin` header of
/// the upgrade; programs that are no browsers send none.
pub(crate) fn same_origin(origin: Option<&str>, authority: &str) -> bool {
    origin.is_none_or(|origin| {
        origin.split_once("://").is_some_and(|(scheme, rest)| {
            matches!(scheme, "http" | "https") && rest.eq_ignore_ascii_case(authority)
        })
    })
}

/// Whether the signature is the key's, strictly (no weak keys).
pub(crate) fn verifies(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(statement, &Signature::from_bytes(signature)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::Door;

    const HEAD: RoomHead = RoomHead { epoch: 4, head_seq: 90, last_handshake_seq: 70 };

    #[test]
    fn an_earlier_epoch_reads_only_the_handshakes_since_its_own() {
        let current = readable(Grant { epoch: 4, began_seq: 70 }, HEAD);
        assert_eq!(current, Readable { after_seq: 0, up_to_seq: 90, handshakes_only: false });
        let earlier = readable(Grant { epoch: 2, began_seq: 33 }, HEAD);
        assert_eq!(earlier, Readable { after_seq: 33, up_to_seq: 90, handshakes_only: true });
    }

    #[test]
    fn only_the_current_epoch_appends() {
        let current = Grant { epoch: 4, began_seq: 70 };
        let earlier = Grant { epoch: 3, began_seq: 60 };
        assert_eq!(may_append(current, 4, HEAD), Ok(()));
        assert_eq!(may_append(current, 3, HEAD), Err(ErrorCode::StaleEpoch));
        assert_eq!(may_append(earlier, 4, HEAD), Err(ErrorCode::RoomNotOpen));
        assert_eq!(may_append(earlier, 3, HEAD), Err(ErrorCode::StaleEpoch));
    }

    #[test]
    fn a_message_goes_live_only_to_its_epoch() {
        let earlier = Grant { epoch: 3, began_seq: 60 };
        assert!(!receives_live(earlier, EntryKind::Message, 4));
        assert!(receives_live(earlier, EntryKind::Message, 3));
        assert!(receives_live(earlier, EntryKind::Handshake, 4));
    }

    #[test]
    fn a_handshake_comes_next_or_conflicts() {
        assert_eq!(handshake_is_next(70, 4, HEAD), Ok(()));
        assert_eq!(handshake_is_next(69, 4, HEAD), Err(ErrorCode::Conflict));
        assert_eq!(handshake_is_next(70, 3, HEAD), Err(ErrorCode::Conflict));
    }

    #[test]
    fn door_lists_have_a_shape() {
        let door = |n: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            Door { id: DoorId::new(id), wrap: vec![0; 10], expires_at_ms: None }
        };
        let doors = |count: u16| (0..count).map(door).collect::<Vec<_>>();
        for count in [0, 1, 2, 4, 1024] {
            assert_eq!(doors_are_in_shape(&doors(count)), Ok(()), "{count}");
        }
        assert_eq!(doors_are_in_shape(&doors(3)), Err((ErrorCode::MalformedFrame, None)));
        assert_eq!(doors_are_in_shape(&doors(2048)), Err((ErrorCode::LimitExceeded, Some(1024))));
        assert_eq!(
            doors_are_in_shape(&[door(1), door(1)]),
            Err((ErrorCode::MalformedFrame, None)),
            "twice the same"
        );
        let long = Door { wrap: vec![0; limits::DOOR_WRAP_MAX_BYTES + 1], ..door(1) };
        assert_eq!(doors_are_in_shape(&[long]), Err((ErrorCode::LimitExceeded, Some(2048))));
    }

    #[test]
    fn only_pages_of_the_same_origin_connect() {
        for (origin, allowed) in [
            (None, true),
            (Some("http://chat.example:8080"), true),
            (Some("https://CHAT.example:8080"), true),
            (Some("http://chat.example"), false),
            (Some("http://evil.example"), false),
            (Some("http://chat.example:8080.evil.example"), false),
            (Some("null"), false),
            (Some("chat.example:8080"), false),
            (Some(""), false),
        ] {
            assert_eq!(same_origin(origin, "chat.example:8080"), allowed, "{origin:?}");
        }
    }

    #[test]
    fn a_weak_key_verifies_nothing() {
        let identity_point = {
            let mut key = [0; 32];
            key[0] = 1;
            key
        };
        assert!(!verifies(&identity_point, b"anything", &{
            let mut signature = [0; 64];
            signature[0] = 1;
            signature
        }));
    }
}
