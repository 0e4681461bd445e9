//! Records of epochs, as capsules and history links hold them.

use crate::{
    edits,
    fixture::{ADAS_RECOVERY, Fixture},
};
use sotto_crypto::{
    CryptoError, Secret,
    identity::AccountId,
    room::{Handshake, PastEpoch, Room},
    testing::{WrapKey, expand, open_committed, seal_committed},
};
use sotto_protocol::RoomId;

/// A record of any content, sealed as it should be.
pub fn record(input: &[u8]) {
    Fixture::with(|fixture| {
        let _ = read(fixture, &edits::apply(input, std::slice::from_ref(&fixture.record)));
    });
}

fn read(fixture: &Fixture, content: &[u8]) -> Result<PastEpoch, CryptoError> {
    let (reader, next) = &fixture.history;
    let mut reader = reader.clone();
    let key = Secret::new(*expand::<32>(next, b"sotto/1 history", &[])?);
    let context = context(&fixture.room.id(), reader.epoch());
    let link = seal_committed(&key, b"sotto/1 history sealing", &context, content)?;
    reader.open_link(&link)
}

/// The record in the capsule that went out with a handshake, opened with Ada's recovery key.
pub fn open_capsule(room: &Room, account: AccountId, handshake: &Handshake) -> Vec<u8> {
    let decoy_seed = Secret::new(*room.state().decoy_seed);
    let tag =
        expand::<16>(&decoy_seed, b"sotto/1 capsule tag", &[account.as_bytes()]).expect("is within limits");
    let wrap = handshake.capsule_wraps.iter().find(|wrap| wrap.tag == *tag).expect("Ada has a wrap");
    let context = context(&room.id(), room.epoch());
    let key = WrapKey::from_seed(&Secret::new(ADAS_RECOVERY))
        .open(b"sotto/1 capsule wrap", &[context.as_slice(), tag.as_slice()].concat(), &wrap.wrap)
        .expect("the wrap is Ada's");
    let capsule = handshake.capsule.as_ref().expect("there is a capsule");
    open_committed(&key, b"sotto/1 capsule sealing", &context, capsule).expect("opens").to_vec()
}

fn context(room: &RoomId, epoch: u64) -> Vec<u8> {
    [room.as_bytes().as_slice(), &epoch.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_record_is_read() {
        let past = Fixture::with(|fixture| read(fixture, &fixture.record)).expect("is read");
        assert_eq!(past.epoch, 1);
    }
}
