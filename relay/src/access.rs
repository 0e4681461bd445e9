//! Every decision about who may do what, in one place. Pure functions: what they need to know is handed to them.
//!
//! What is trusted: a signature by the access key of an epoch proves that someone of that epoch is on the connection; one
//! by the join key of the current epoch proves that someone opened its card. Nothing else is believed.

use crate::account::{GoodToken, RoomTokens};
use sotto_protocol::{
    CardRequest, Challenge, ConfirmJoin, DoorId, EntryKind, ErrorCode, Handover, Published, Rewind,
    RewindAuthority, RoomAccess, RoomId, RoomToken, WireError, card_statement, confirm_statement,
    handover_statement, join_statement, limits, open_statement,
};
use std::collections::HashSet;
use std::hash::Hash;

/// What a connection has proven about a room: that it holds the access key of `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The relay's number of the room: another room of the same id, after this one was deleted, is another room.
    pub room: i64,
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
    /// The handshake that began it; 0 for the room's beginning.
    pub began_seq: u64,
    /// The last entry.
    pub head_seq: u64,
    /// The last handshake or rewind; 0 if none.
    pub last_handshake_seq: u64,
    /// The last cut; 0 if none.
    pub cut_seq: u64,
}

/// An epoch that has not been voided, as far as rights depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JudgedEpoch {
    /// Which.
    pub epoch: u64,
    /// The handshake that began it.
    pub began_seq: u64,
    /// Opens the room.
    pub access_key: [u8; 32],
    /// Permits one handshake through a door.
    pub join_key: [u8; 32],
    /// Whether the handshake that began it came through a door.
    pub by_door: bool,
    /// Whether that handshake is good for ever.
    pub is_confirmed: bool,
    /// The door through which that handshake came, while that is kept.
    pub door: Option<DoorId>,
}

/// What a connection may still do in a room by what it has proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is in the current epoch.
    Current,
    /// It is in an earlier one, and gets the handshakes that lead from there to the current one.
    Earlier,
    /// Its epoch was cut off or voided: nothing after that is any business of its holder's.
    Ended,
}

/// Which entries a connection may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readable {
    /// Only entries after this one.
    pub after_seq: u64,
    /// Only entries up to this one.
    pub up_to_seq: u64,
    /// Only handshakes and rewinds.
    pub handshakes_only: bool,
}

/// Whether somebody may make a room: anybody, or where there is a gate, whoever shows a good token. The token that is then to be
/// used up.
pub(crate) fn may_make_room(
    gate: Option<&RoomTokens>,
    token: Option<&RoomToken>,
) -> Result<Option<GoodToken>, ErrorCode> {
    let Some(gate) = gate else { return Ok(None) };
    token.and_then(|token| gate.check(token)).map(Some).ok_or(ErrorCode::TokenNeeded)
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

/// Whether `signature` permits to look behind a door: the door's key signed this connection's challenge.
pub(crate) fn proves_door(
    door_key: &[u8; 32],
    authority: &str,
    challenge: &Challenge,
    request: &CardRequest,
) -> bool {
    let statement = card_statement(authority, challenge, &request.room, &request.door);
    verifies(door_key, &statement, &request.signature)
}

/// A key to verify by where the thing asked about does not exist, so that the answer takes as long: the base point of the curve. A
/// signature by it proves nothing.
pub(crate) const NOBODYS_KEY: [u8; 32] = {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    key
};

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
    // After a rewind, the epoch that was voided and the one in its place have the same number.
    let is_current = grant.epoch == head.epoch && grant.began_seq == head.began_seq;
    if is_current { RoomAccess::Full } else { RoomAccess::Handshakes }
}

/// What a grant lets a connection read: everything up to now for a current member; for others the handshakes since the
/// epoch they were in, never older ones, and none after the end of what their key opens.
pub(crate) fn readable(grant: Grant, head: RoomHead) -> Readable {
    match room_access(grant, head) {
        RoomAccess::Full => Readable { after_seq: 0, up_to_seq: head.head_seq, handshakes_only: false },
        RoomAccess::Handshakes => {
            Readable { after_seq: grant.began_seq, up_to_seq: head.head_seq, handshakes_only: true }
        }
    }
}

/// What an entry changes about who may go on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Keys of earlier epochs open nothing after it.
    Cut,
    /// Epochs since `bad_seq` are voided: their keys open nothing after it, and cuts among them are undone.
    Rewind { bad_seq: u64 },
}

/// A connection that follows a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Following {
    /// What was proven.
    pub grant: Grant,
    /// The last entry that its key opens, if that has come.
    pub ended_seq: Option<u64>,
}

impl Following {
    /// Whether a new entry goes to this connection, which is from then on as the entry leaves it. A message goes to those who
    /// proved its epoch, a handshake or rewind to everybody whose key still opens it. `entry_epoch` is the epoch that was
    /// current when the entry was stored. Entries come in the order of the log.
    pub(crate) fn take(&mut self, seq: u64, kind: EntryKind, entry_epoch: u64, effect: Effect) -> bool {
        let began_seq = self.grant.began_seq;
        if let Effect::Rewind { bad_seq } = effect
            && began_seq < bad_seq
            && self.ended_seq.is_some_and(|ended_seq| ended_seq >= bad_seq)
        {
            self.ended_seq = None;
        }
        let receives = self.ended_seq.is_none()
            && match kind {
                EntryKind::Handshake | EntryKind::Join | EntryKind::Rewind => true,
                EntryKind::Message => self.grant.epoch == entry_epoch,
            };
        let ends = match effect {
            Effect::None => false,
            Effect::Cut => began_seq < seq,
            Effect::Rewind { bad_seq } => (bad_seq..seq).contains(&began_seq),
        };
        if ends {
            self.ended_seq = self.ended_seq.or(Some(seq));
        }
        receives
    }
}

/// What a grant is worth. `ended_seq` is the last entry that its key opens, if there is an end to it; it is not needed for a client
/// in the current epoch.
pub(crate) fn standing(grant: Grant, head: RoomHead, ended_seq: Option<u64>) -> Standing {
    match room_access(grant, head) {
        RoomAccess::Full => Standing::Current,
        RoomAccess::Handshakes if ended_seq.is_some() => Standing::Ended,
        RoomAccess::Handshakes => Standing::Earlier,
    }
}

/// Whether a message may be appended, judged at the moment of writing. The right comes first: to whom the room has ended, all is
/// answered alike.
///
/// # Errors
/// [`ErrorCode::StaleEpoch`] for a message of another epoch, [`ErrorCode::RoomNotOpen`] for a connection that has not
/// opened the room with the current key.
pub(crate) fn may_append(standing: Standing, entry_epoch: u64, head: RoomHead) -> Result<(), ErrorCode> {
    match standing {
        Standing::Ended => Err(ErrorCode::RoomNotOpen),
        Standing::Current | Standing::Earlier if entry_epoch != head.epoch => Err(ErrorCode::StaleEpoch),
        Standing::Earlier => Err(ErrorCode::RoomNotOpen),
        Standing::Current => Ok(()),
    }
}

/// Whether the place up to which the sender of a message has read is among the last of the log: whether it was sent before is looked for
/// only behind it.
///
/// # Errors
/// [`ErrorCode::ReadOn`] where it is further back, or not there.
pub(crate) fn is_in_reach(read_seq: u64, head: RoomHead) -> Result<(), ErrorCode> {
    match head.head_seq.checked_sub(read_seq) {
        Some(0..=limits::APPEND_TAIL_MAX) => Ok(()),
        _ => Err(ErrorCode::ReadOn),
    }
}

/// The error code that a client may see for a refusal.
pub(crate) fn said_to(standing: Standing, code: ErrorCode) -> ErrorCode {
    if standing == Standing::Ended { ErrorCode::RoomNotOpen } else { code }
}

/// What a rewind is judged by: the epochs that are good at that moment.
#[derive(Debug)]
pub(crate) struct RewindCase<'c> {
    /// The epoch that the handshake began which is to be voided.
    pub bad: &'c JudgedEpoch,
    /// SHA-256 of that handshake.
    pub bad_entry: [u8; 32],
    /// The epoch of the number that the rewind names.
    pub before: &'c JudgedEpoch,
    /// The room-admin keys of that epoch, end to end.
    pub admin_keys: &'c [u8],
    /// Whether no handover since has taken the named key from those who administer the room.
    pub survives_handovers: bool,
    /// The current epoch.
    pub current_epoch: u64,
}

/// Whether a rewind, whose signature is good, may be written.
///
/// # Errors
/// [`ErrorCode::Conflict`] where there is no such handshake, [`ErrorCode::BadSignature`] where the key may not,
/// [`ErrorCode::LimitExceeded`] where too much came since.
pub(crate) fn may_rewind(rewind: &Rewind, case: &RewindCase<'_>) -> Result<(), ErrorCode> {
    let RewindCase { bad, bad_entry, before, admin_keys, survives_handovers, current_epoch } = *case;
    let leaves_another_out = rewind.left_out.is_some() && rewind.left_out != bad.door;
    if bad.epoch.checked_sub(1) != Some(before.epoch) || bad_entry != rewind.bad_entry || leaves_another_out {
        return Err(ErrorCode::Conflict);
    }
    let may = rewind.access_key == before.access_key
        && match &rewind.authority {
            RewindAuthority::Access => bad.by_door && !bad.is_confirmed,
            // Who was removed must not undo that.
            RewindAuthority::Admin(key) => is_among(key, admin_keys) && survives_handovers,
        };
    if !may {
        return Err(ErrorCode::BadSignature);
    }
    if current_epoch.saturating_sub(before.epoch) > limits::REWIND_MAX_EPOCHS {
        return Err(ErrorCode::LimitExceeded);
    }
    Ok(())
}

/// The key that confirms a join: the access key of the epoch before it, or a trusted room-admin key.
pub(crate) fn confirming_key(
    confirm: &ConfirmJoin,
    before: &JudgedEpoch,
    trusted_admin_keys: &[u8],
) -> Option<[u8; 32]> {
    match &confirm.admin_key {
        None => Some(before.access_key),
        Some(key) => is_among(key, trusted_admin_keys).then_some(**key),
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

/// Whether what is to be kept for an epoch has a shape that an epoch may have: lists of bounded length, none or a power of two
/// of them, nothing twice.
///
/// # Errors
/// The code, with the limit where one is exceeded.
pub(crate) fn published_is_in_shape(published: &Published) -> Result<(), WireError> {
    let Published { doors, capsule, capsule_wraps, .. } = published;
    is_short(doors.len(), limits::DOORS_MAX)?;
    is_short(doors.iter().map(|door| door.wrap.len()).max().unwrap_or(0), limits::DOOR_WRAP_MAX_BYTES)?;
    is_padded(doors.len())?;
    all_differ(doors.iter().map(|door| door.id))?;
    let wraps = capsule_wraps.as_deref().unwrap_or_default();
    is_short(wraps.len(), limits::CAPSULE_WRAPS_MAX)?;
    is_short(wraps.iter().map(|wrap| wrap.wrap.len()).max().unwrap_or(0), limits::CAPSULE_WRAP_MAX_BYTES)?;
    is_padded(wraps.len())?;
    all_differ(wraps.iter().map(|wrap| wrap.tag))?;
    if capsule.is_none() && !wraps.is_empty() {
        return Err(ErrorCode::MalformedFrame.into());
    }
    Ok(())
}

/// Whether a handover has a shape that one may have.
///
/// # Errors
/// The code, with the limit where it is exceeded.
pub(crate) fn handover_is_in_shape(handover: &Handover) -> Result<(), WireError> {
    is_short(handover.keys.len(), limits::ADMIN_KEYS_MAX)?;
    if handover.is_well_formed() { Ok(()) } else { Err(ErrorCode::MalformedFrame.into()) }
}

/// Whether the key that signed it may put that list in place of the present one, whose keys lie end to end.
pub(crate) fn may_hand_over(handover: &Handover, present: &[u8]) -> bool {
    let keys = present.chunks_exact(32).map(|key| <[u8; 32]>::try_from(key).map(Into::into));
    keys.collect::<Result<Vec<_>, _>>().is_ok_and(|present| handover.may_follow(&present))
}

/// Whether a handover was signed by the key that it names, for that handshake. Whether the key counts is another question.
pub(crate) fn handover_is_signed(room: &RoomId, epoch: u64, entry: &[u8; 32], handover: &Handover) -> bool {
    let statement = handover_statement(room, epoch, entry, &handover.keys);
    verifies(&handover.signer, &statement, &handover.signature)
}

fn is_short(length: usize, limit: usize) -> Result<(), WireError> {
    if length <= limit { Ok(()) } else { Err(WireError::with_limit(ErrorCode::LimitExceeded, limit as u64)) }
}

fn is_padded(length: usize) -> Result<(), WireError> {
    if length == 0 || length.is_power_of_two() { Ok(()) } else { Err(ErrorCode::MalformedFrame.into()) }
}

fn all_differ<T: Eq + Hash>(items: impl Iterator<Item = T>) -> Result<(), WireError> {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(item) {
            return Err(ErrorCode::MalformedFrame.into());
        }
    }
    Ok(())
}

/// Whether a rewind was signed by the key that it names. Whether that key may is another question.
pub(crate) fn rewind_is_signed(room: &RoomId, rewind: &Rewind) -> bool {
    verifies(rewind.signer(), &rewind.statement(room), &rewind.signature)
}

/// Whether a key that may has signed that a join is good: the access key of the epoch before it, or a room-admin key.
pub(crate) fn confirms(
    key: &[u8; 32],
    room: &RoomId,
    seq: u64,
    entry_hash: &[u8; 32],
    signature: &[u8; 64],
) -> bool {
    verifies(key, &confirm_statement(room, seq, entry_hash), signature)
}

/// Whether a key is among keys that are laid end to end.
pub(crate) fn is_among(key: &[u8; 32], keys: &[u8]) -> bool {
    keys.chunks_exact(key.len()).any(|other| other == key)
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

/// Whether the signature is the key's.
pub(crate) fn verifies(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> bool {
    sotto_protocol::signature::verify(key, statement, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::{CapsuleWrap, Door};

    const HEAD: RoomHead =
        RoomHead { epoch: 4, began_seq: 70, head_seq: 90, last_handshake_seq: 70, cut_seq: 0 };

    fn grant(epoch: u64, began_seq: u64) -> Grant {
        Grant { room: 1, epoch, began_seq }
    }

    #[test]
    fn an_earlier_epoch_reads_only_the_handshakes_since_its_own() {
        let current = readable(grant(4, 70), HEAD);
        assert_eq!(current, Readable { after_seq: 0, up_to_seq: 90, handshakes_only: false });
        let earlier = readable(grant(2, 33), HEAD);
        assert_eq!(earlier, Readable { after_seq: 33, up_to_seq: 90, handshakes_only: true });
    }

    #[test]
    fn only_the_current_epoch_appends_and_the_removed_learn_nothing() {
        use Standing::{Current, Earlier, Ended};
        assert_eq!(may_append(Current, 4, HEAD), Ok(()));
        assert_eq!(may_append(Current, 3, HEAD), Err(ErrorCode::StaleEpoch));
        assert_eq!(may_append(Earlier, 4, HEAD), Err(ErrorCode::RoomNotOpen));
        assert_eq!(may_append(Earlier, 3, HEAD), Err(ErrorCode::StaleEpoch));
        for epoch in [0, 3, 4, 5, u64::MAX] {
            assert_eq!(may_append(Ended, epoch, HEAD), Err(ErrorCode::RoomNotOpen));
        }
        assert_eq!(said_to(Ended, ErrorCode::Conflict), ErrorCode::RoomNotOpen);
        assert_eq!(said_to(Earlier, ErrorCode::Conflict), ErrorCode::Conflict);
    }

    #[test]
    fn the_place_of_a_voided_epoch_is_not_its_own() {
        assert_eq!(room_access(grant(4, 70), HEAD), RoomAccess::Full);
        assert_eq!(room_access(grant(4, 60), HEAD), RoomAccess::Handshakes);
        assert_eq!(standing(grant(4, 60), HEAD, None), Standing::Earlier);
        assert_eq!(standing(grant(4, 60), HEAD, Some(65)), Standing::Ended);
        assert_eq!(standing(grant(4, 70), HEAD, None), Standing::Current);
    }

    /// Which of these entries go to somebody of that epoch.
    fn received(grant: Grant, entries: &[(u64, EntryKind, u64, Effect)]) -> Vec<u64> {
        let mut following = Following { grant, ended_seq: None };
        let mut received = entries.to_vec();
        received.retain(|(seq, kind, epoch, effect)| following.take(*seq, *kind, *epoch, *effect));
        received.into_iter().map(|(seq, ..)| seq).collect()
    }

    #[test]
    fn a_message_goes_live_only_to_its_epoch_and_a_handshake_to_all() {
        use EntryKind::{Handshake, Message};
        let entries = [
            (71, Message, 3, Effect::None),
            (72, Handshake, 3, Effect::None),
            (73, Message, 4, Effect::None),
        ];
        assert_eq!(received(grant(3, 60), &entries), [71, 72]);
        assert_eq!(received(grant(4, 72), &entries), [72, 73]);
        assert_eq!(received(grant(1, 20), &entries), [72]);
    }

    #[test]
    fn who_is_cut_gets_the_cut_and_nothing_after_it() {
        use EntryKind::{Handshake, Message, Rewind};
        let entries = [
            (71, Handshake, 3, Effect::Cut),
            (72, Message, 4, Effect::None),
            (73, Handshake, 4, Effect::None),
            (74, Rewind, 4, Effect::Rewind { bad_seq: 73 }),
            (75, Message, 4, Effect::None),
        ];
        assert_eq!(received(grant(3, 60), &entries), [71]);
        assert_eq!(received(grant(4, 71), &entries)[1..], [72, 73, 74, 75]);
        assert_eq!(received(grant(5, 73), &entries).last(), Some(&74), "voided, and told so");
        let undone = [(71, Handshake, 3, Effect::Cut), (72, Rewind, 3, Effect::Rewind { bad_seq: 71 })];
        let entries: Vec<_> = undone.into_iter().chain([(73, Message, 3, Effect::None)]).collect();
        assert_eq!(received(grant(3, 60), &entries), [71, 72, 73], "a cut that is voided never was");
    }

    #[test]
    fn a_handshake_comes_next_or_conflicts() {
        assert_eq!(handshake_is_next(70, 4, HEAD), Ok(()));
        assert_eq!(handshake_is_next(69, 4, HEAD), Err(ErrorCode::Conflict));
        assert_eq!(handshake_is_next(70, 3, HEAD), Err(ErrorCode::Conflict));
    }

    #[test]
    fn what_is_published_has_a_shape() {
        let id = |n: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            id
        };
        let door = |n| Door { id: DoorId::new(id(n)), wrap: vec![0; 10], expires_at_ms: None, key: [0; 32] };
        let wrap = |n| CapsuleWrap { tag: id(n), wrap: vec![0; 10], owner: None };
        let none = || Published {
            card: Vec::new(),
            doors: Vec::new(),
            capsule: Some(Vec::new()),
            capsule_wraps: None,
        };
        let doors = |doors| published_is_in_shape(&Published { doors, ..none() });
        let wraps = |wraps| published_is_in_shape(&Published { capsule_wraps: Some(wraps), ..none() });
        let malformed: Result<(), WireError> = Err(ErrorCode::MalformedFrame.into());
        let exceeds = |limit| Err(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        for count in [0, 1, 2, 4, 1024] {
            assert_eq!(doors((0..count).map(door).collect()), Ok(()), "{count}");
            assert_eq!(wraps((0..count).map(wrap).collect()), Ok(()), "{count}");
        }
        assert_eq!(doors((0..3).map(door).collect()), malformed);
        assert_eq!(wraps((0..3).map(wrap).collect()), malformed);
        assert_eq!(doors((0..2048).map(door).collect()), exceeds(1024));
        assert_eq!(wraps((0..2048).map(wrap).collect()), exceeds(1024));
        assert_eq!(doors(vec![door(1), door(1)]), malformed, "twice the same");
        assert_eq!(wraps(vec![wrap(1), wrap(1)]), malformed, "twice the same");
        let long = vec![0; limits::DOOR_WRAP_MAX_BYTES + 1];
        assert_eq!(doors(vec![Door { wrap: long.clone(), ..door(1) }]), exceeds(2048));
        assert_eq!(wraps(vec![CapsuleWrap { wrap: long, ..wrap(1) }]), exceeds(2048));
        let no_capsule = Published { capsule: None, capsule_wraps: Some(vec![wrap(1)]), ..none() };
        assert_eq!(published_is_in_shape(&no_capsule), malformed, "wraps of nothing");
        let handover = |keys: &[u8]| {
            let keys = keys.iter().map(|key| [*key; 32].into()).collect();
            handover_is_in_shape(&Handover { keys, signer: [0; 32], signature: [0; 64] })
        };
        assert_eq!(handover(&[1, 2, 3]), Ok(()));
        assert_eq!(handover(&[2, 1, 3]), Ok(()), "the owner's first");
        assert_eq!(handover(&[]), malformed, "nobody");
        assert_eq!(handover(&[1, 1]), malformed);
        assert_eq!(handover(&[1, 3, 2]), malformed);
        assert_eq!(handover(&[2, 1, 2]), malformed);
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
