//! The vault's records, sealed and opened: labels, contents, and the archive of a room's old secrets.

use crate::edits;
use minicbor::{Encode, bytes::ByteSlice};
use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    account::{
        AccountDevice, AccountKeys, DeviceSecrets, OpenedValue, ReadMarks, RecoveryCode, RecoveryCodePublic,
        RecoveryKey, RoomPosition, SeenInvites, VaultKey, VaultLabel, VaultName, open_archive, seal_archive,
    },
    identity::{AccountId, IdentityKey},
    status::ReadMark,
    testing::{expand, seal_committed},
};
use sotto_protocol::{Chain, RoomId};

const ROOM: RoomId = RoomId::new([1; 16]);
const VERSION: u64 = 3;

thread_local! {
    /// A record, and a part of an archive.
    static REAL: [Vec<u8>; 2] = [
        key().seal(VaultLabel::Room(ROOM), VERSION, b"content").expect("is sealed"),
        seal_archive(&recovery().public(), &ROOM, 1, b"old secrets").expect("is sealed"),
    ];
}

#[derive(Encode)]
struct Labelled<'a>(#[n(0)] &'a ByteSlice, #[n(1)] &'a ByteSlice);

/// A record of any bytes: only what was sealed opens.
pub fn value(input: &[u8]) {
    REAL.with(|[real, _]| {
        let value = edits::apply(input, std::slice::from_ref(real));
        let name = key().name(VaultLabel::Room(ROOM)).expect("has a name");
        assert_eq!(key().open(&name, VERSION, &value).is_ok(), value == *real, "a changed record opens");
    });
}

/// A record under any label: `input = length of the label (1) || label || content`.
pub fn label(input: &[u8]) {
    let Some((length, rest)) = input.split_first() else { return };
    let (label, content) = rest.split_at(usize::from(*length).min(rest.len()));
    let name = name_of(label);
    let Ok((read, found)) = open_labelled(label, content) else { return };
    assert_eq!(key().name(read), Ok(name), "a label is read as another");
    assert_eq!(found.as_deref().map(Vec::as_slice), Some(content));
    let again = key().seal(read, VERSION, content).expect("is within the limit");
    assert_eq!(key().open(&name, VERSION, &again), Ok((read, found)));
}

fn open_labelled(label: &[u8], content: &[u8]) -> Result<OpenedValue, CryptoError> {
    let name = name_of(label);
    let labelled = sotto_protocol::encode(&Labelled(label.into(), content.into()));
    let aad = [[1].as_slice(), name.as_bytes(), &VERSION.to_be_bytes()].concat();
    let sealed = seal_committed(key().seed(), b"sotto/1 vault value", &aad, &labelled)?;
    key().open(&name, VERSION, &sealed)
}

fn name_of(label: &[u8]) -> VaultName {
    VaultName::new(*expand::<32>(key().seed(), b"sotto/1 vault name", &[label]).expect("is within limits"))
}

/// What records, and a device's own store, hold.
pub fn contents(input: &[u8]) {
    if let Ok(marks) = ReadMarks::from_bytes(input) {
        assert_eq!(ReadMarks::from_bytes(&marks.to_bytes()), Ok(marks));
    }
    if let Ok(public) = sotto_protocol::decode::<RecoveryCodePublic>(input) {
        assert!(sotto_protocol::decode(&sotto_protocol::encode(&public)) == Ok(public));
    }
    if let Ok(seen) = SeenInvites::from_bytes(input) {
        assert_eq!(SeenInvites::from_bytes(&seen.to_bytes()), Ok(seen));
    }
    let account = AccountId::of(&identity().public());
    if let Ok(device) = AccountDevice::from_bytes(input, &account) {
        assert_eq!(AccountDevice::from_bytes(&device.to_bytes(), &account), Ok(device));
    }
    if let Ok(secrets) = DeviceSecrets::from_bytes(input) {
        let again = DeviceSecrets::from_bytes(&secrets.to_bytes()).expect("what is written can be read");
        assert_eq!(again.to_bytes(), secrets.to_bytes());
    }
}

/// A part of an archive: only what was sealed opens, and only at its place.
pub fn archive(input: &[u8]) {
    REAL.with(|[_, real]| {
        let sealed = edits::apply(input, std::slice::from_ref(real));
        let opened = open_archive(&recovery(), &ROOM, 1, &sealed);
        assert_eq!(opened.is_ok(), sealed == *real, "a changed archive opens");
        assert!(open_archive(&recovery(), &ROOM, 2, &sealed).is_err());
    });
}

fn key() -> VaultKey {
    VaultKey::from_seed(Secret::new([1; 32]))
}

fn recovery() -> RecoveryKey {
    RecoveryKey::from_seed(Secret::new([2; 32]))
}

fn identity() -> IdentityKey {
    IdentityKey::from_seed(&Secret::new([4; 32]))
}

/// A record under each kind of label.
pub fn real_labels() -> Vec<Vec<u8>> {
    let labels = [vec![0], vec![1], vec![2], vec![3], [[4].as_slice(), &[1; 16]].concat()];
    let part = [[6].as_slice(), &[1; 16], &[0, 0, 0, 1]].concat();
    let device = [[7].as_slice(), &[3; 32]].concat();
    let labelled = |label: Vec<u8>| [[label.len() as u8].as_slice(), &label, b"content"].concat();
    labels.into_iter().chain([vec![5], part, device, vec![8]]).map(labelled).collect()
}

/// One of each kind of contents.
pub fn real_contents() -> Vec<Vec<u8>> {
    let (mut marks, chain) = (ReadMarks::default(), Chain { seq: 6, hash: [7; 32] });
    let position = RoomPosition { mark: ReadMark { turn: 1, seq: 5 }, chain };
    marks.take(RoomId::new([1; 16]), position).expect("there is room");
    let keys = AccountKeys::register(identity()).expect("has randomness");
    let device = DeviceKey::from_seed(&Secret::new([5; 32]));
    let certificate = keys.certify(device.public(), "Ada", 1).expect("is certified");
    let recovery_public = keys.recovery().public();
    let listed = AccountDevice { certificate, recovery_public, session: Some([6; 16]) };
    let secrets = keys.device_secrets(device).to_bytes().to_vec();
    let code = RecoveryCode::parse("BBBBB-BBBBB-BBBBB-BBBBB-BBBBB-B7G33").expect("is a code");
    let public = sotto_protocol::encode(&code.public().expect("has public halves"));
    vec![marks.to_bytes(), listed.to_bytes(), secrets, public, SeenInvites::default().to_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_label_is_read() {
        let (label, content) = open_labelled(&[2], b"content").expect("opens");
        assert_eq!((label, content.unwrap().as_slice()), (VaultLabel::Settings, b"content".as_slice()));
    }
}
