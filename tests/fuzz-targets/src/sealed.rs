//! What is sealed with a commitment to its key: values in general, and an epoch's capsule with its wrap.

use crate::{
    edits,
    fixture::{BOBS_RECOVERY, Fixture},
};
use sotto_crypto::{
    CryptoError, Secret,
    account::RecoveryKey,
    room::PastEpoch,
    testing::{open_committed, seal_committed, seal_wrap},
};

const LABEL: &[u8] = b"label";
const CONTEXT: &[u8] = b"context";

thread_local! {
    static REAL: Vec<u8> = seal_committed(&key(), LABEL, CONTEXT, b"content").expect("is sealed");
}

/// A sealed value of any bytes: only what was sealed opens. And any content comes back as it was.
pub fn committed(input: &[u8]) {
    REAL.with(|real| {
        let sealed = edits::apply(input, std::slice::from_ref(real));
        assert_eq!(
            open_committed(&key(), LABEL, CONTEXT, &sealed).is_ok(),
            sealed == *real,
            "a changed value opens"
        );
    });
    let sealed = seal_committed(&key(), LABEL, CONTEXT, input).expect("is sealed");
    assert_eq!(open_committed(&key(), LABEL, CONTEXT, &sealed).as_deref().map(Vec::as_slice), Ok(input));
    assert!(open_committed(&key(), LABEL, b"elsewhere", &sealed).is_err());
}

fn key() -> Secret {
    Secret::new([9; 32])
}

/// `input = capsule or wrap (1) || edits of it`: only the unchanged ones open.
pub fn capsule(input: &[u8]) {
    let (which, edited) = input.split_first().unwrap_or((&0, &[]));
    let [capsule, wrap] = Fixture::with(|fixture| fixture.capsule.clone());
    let real = if which % 2 == 0 { &capsule } else { &wrap };
    let changed = edits::apply(edited, std::slice::from_ref(real));
    let is_real = changed == *real;
    let opened =
        if which % 2 == 0 { open_capsule(&changed, &wrap) } else { open_capsule(&capsule, &changed) };
    assert_eq!(opened.is_ok(), is_real, "a changed capsule opens");
}

fn open_capsule(capsule: &[u8], wrap: &[u8]) -> Result<PastEpoch, CryptoError> {
    let mut reader = Fixture::with(|fixture| fixture.history.0.clone());
    reader.open_capsule(&RecoveryKey::from_seed(Secret::new(BOBS_RECOVERY)), capsule, wrap)
}

/// The invite's epoch, sealed for the newcomer: its capsule, and the wrap of its key.
pub fn seal_capsule(
    reader: &sotto_crypto::room::HistoryReader,
    room: &sotto_protocol::RoomId,
    record: &[u8],
) -> [Vec<u8>; 2] {
    let context = [room.as_bytes().as_slice(), &reader.epoch().to_be_bytes()].concat();
    let public = RecoveryKey::from_seed(Secret::new(BOBS_RECOVERY)).public();
    let place = [context.as_slice(), reader.tag()].concat();
    let wrap = seal_wrap(b"sotto/1 capsule wrap", &public, &place, &key(), &Secret::new([8; 32]));
    let capsule = seal_committed(&key(), b"sotto/1 capsule sealing", &context, record);
    [capsule.expect("is sealed"), wrap.expect("is sealed")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_capsule_is_read() {
        let [capsule, wrap] = Fixture::with(|fixture| fixture.capsule.clone());
        assert_eq!(open_capsule(&capsule, &wrap).expect("is read").epoch, 1);
    }
}
