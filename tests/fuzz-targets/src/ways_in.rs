//! Links, wraps and cards: what a newcomer reads before anyone vouches for anything.
//!
//! Cards are sealed and opened here by `docs/PROTOCOL.md`, so that any content reaches the decoder.

use crate::{
    edits,
    fixture::{Fixture, join},
};
use sotto_crypto::{
    Secret,
    identity::AccountId,
    link::{InviteLink, InviteSecret},
    room::{Handshake, Joining},
    testing::{WrapKey, check_public_key, expand, open_committed, seal_committed, seal_wrap},
};
use sotto_protocol::{RoomId, entry_hash};

const CONTEXT: &[u8] = b"fuzz";
const INFO: &[u8] = b"sotto/1 door wrap";
const CARD: &[u8] = b"sotto/1 card sealing";

/// The fragment of a link: as text, and as bytes whose checksum is right.
pub fn invite_link(input: &[u8]) {
    if let Ok(text) = core::str::from_utf8(input)
        && let Ok(link) = InviteLink::from_fragment(text)
    {
        assert_eq!(link.to_fragment().as_str(), text);
    }
    let checksum = entry_hash(&[b"sotto/1 link", input].concat());
    let fragment = base64url(&[input, &checksum[..4]].concat());
    if let Ok(link) = InviteLink::from_fragment(&fragment) {
        assert_eq!(*link.to_fragment(), fragment);
    }
}

/// The card's key, sealed to a known key.
pub fn wrap(input: &[u8]) {
    // Opening is all there is to it; a wrap is never made from what was opened.
    let _ = wrap_key().open(INFO, CONTEXT, input);
}

/// A public key that somebody else puts into the room.
pub fn public_key(input: &[u8]) {
    let sealed = seal_wrap(INFO, input, CONTEXT, &Secret::new([1; 32]), &Secret::new([2; 32]));
    assert_eq!(check_public_key(input).is_ok(), sealed.is_ok(), "a key is checked and used alike");
}

/// A card of any content, sealed as it should be: joining by it gives a room or an error.
pub fn card(input: &[u8]) {
    Fixture::of_input(input, |fixture| {
        let content = edits::apply(input, std::slice::from_ref(&fixture.card));
        let _ = join_by(fixture, &content);
    });
}

fn join_by(fixture: &Fixture, content: &[u8]) -> Result<Joining, sotto_crypto::CryptoError> {
    let card = seal_committed(&card_key(), CARD, fixture.link.room.as_bytes(), content)?;
    join(&fixture.link, &card, &fixture.wrap, fixture.room.epoch(), &fixture.newcomer)
}

fn card_key() -> Secret {
    Secret::new([0xca; 32])
}

/// The key under which cards are sealed here, for the link's door.
pub fn wrap_card_key(link: &InviteLink, epoch: u64) -> Vec<u8> {
    let public = link_key(link).public();
    seal_wrap(INFO, &public, &context(link, epoch), &card_key(), &Secret::new([9; 32])).expect("is sealed")
}

/// The content of the card that went out with a handshake.
pub fn open_card(link: &InviteLink, handshake: &Handshake, epoch: u64) -> Vec<u8> {
    let wrap = crate::fixture::wrap_of(link, handshake);
    let card_key =
        link_key(link).open(INFO, &context(link, epoch), &wrap).expect("the wrap is for this door");
    open_committed(&card_key, CARD, link.room.as_bytes(), &handshake.card).expect("the card opens").to_vec()
}

/// The GroupInfo in a card: what stands under key 1.
pub fn group_info(card: &[u8]) -> Vec<u8> {
    let mut decoder = minicbor::Decoder::new(card);
    let entries = decoder.map().expect("is a map").expect("has a length");
    for _ in 0..entries {
        if decoder.u32().expect("is a key") == 1 {
            return decoder.bytes().expect("are bytes").to_vec();
        }
        decoder.skip().expect("is a value");
    }
    panic!("the card has no GroupInfo");
}

fn context(link: &InviteLink, epoch: u64) -> Vec<u8> {
    let door = link.door().expect("has a door");
    [link.room.as_bytes().as_slice(), &epoch.to_be_bytes(), door.as_bytes()].concat()
}

fn link_key(link: &InviteLink) -> WrapKey {
    let seed = expand::<32>(link.secret.seed(), b"sotto/1 invite wrap key", &[]).expect("is within limits");
    WrapKey::from_seed(&Secret::new(*seed))
}

fn wrap_key() -> WrapKey {
    WrapKey::from_seed(&Secret::new([0x33; 32]))
}

/// Base64 for URLs without padding (RFC 4648, section 5).
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |group: u32, place: u32| char::from(DIGITS[(group >> (18 - 6 * place)) as usize & 63]);
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group =
                (0..3).fold(0, |group, at| (group << 8) | u32::from(chunk.get(at).copied().unwrap_or(0)));
            (0..=chunk.len() as u32).map(move |place| digit(group, place))
        })
        .collect()
}

/// A link's bytes without the checksum, and its fragment.
pub fn real_link() -> (Vec<u8>, Vec<u8>) {
    let (room, inviter) = ([1; 16], [3; 16]);
    let link = InviteLink {
        room: RoomId::new(room),
        secret: InviteSecret::from_seed(Secret::new([2; 32])),
        inviter: AccountId::new(inviter),
        epoch: 4,
    };
    let body = [&[1], room.as_slice(), &[2; 32], &inviter, &4_u64.to_be_bytes()].concat();
    (body, link.to_fragment().as_bytes().to_vec())
}

/// A wrap for the known key.
pub fn real_wrap() -> Vec<u8> {
    seal_wrap(INFO, &real_public_key(), CONTEXT, &Secret::new([1; 32]), &Secret::new([2; 32]))
        .expect("is sealed")
}

/// A public key.
pub fn real_public_key() -> Vec<u8> {
    wrap_key().public()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_card_lets_in_and_a_real_link_has_the_checksum_that_is_made_here() {
        for first in [1, 2] {
            Fixture::of_input(&[first], |fixture| drop(join_by(fixture, &fixture.card).expect("comes in")));
        }
        let (body, fragment) = real_link();
        let checksum = entry_hash(&[b"sotto/1 link", body.as_slice()].concat());
        assert_eq!(base64url(&[&body, &checksum[..4]].concat()).as_bytes(), fragment);
    }
}
