//! Stories of a whole account, and garbage for every decoder.

use super::*;
use crate::{
    CryptoError, DeviceKey, Secret,
    identity::{IdentityKey, PinState, Pins, Subject},
    random_array,
    status::ReadMark,
};
use sotto_protocol::{Chain, RoomId};
use std::collections::BTreeMap;

const ROOM: RoomId = RoomId::new([1; 16]);

fn password(byte: u8) -> PasswordKey {
    PasswordKey::for_test(Secret::new([byte; 32]))
}

#[test]
fn an_account_that_lost_every_device_comes_back_with_password_or_code() {
    let code = RecoveryCode::generate().unwrap();
    let keys = AccountKeys::register(IdentityKey::generate().unwrap()).unwrap();
    let lost = keys.device_secrets(DeviceKey::generate().unwrap());
    let mut marks = ReadMarks::default();
    let mark = ReadMark { turn: 0, seq: 3 };
    marks.take(ROOM, RoomPosition { mark, chain: Chain::start(&ROOM) }).unwrap();
    let label = VaultLabel::ReadMarks;
    let (name, value) =
        (lost.vault.name(label).unwrap(), lost.vault.seal(label, 1, &marks.to_bytes()).unwrap());
    let archive = seal_archive(&keys.recovery().public(), &ROOM, 0, b"old message secrets").unwrap();
    let (_, record) = OpenedRecord::create(keys, &password(1), &code).unwrap();
    drop(lost);

    let typed = RecoveryCode::parse(&code.to_text().to_lowercase()).unwrap();
    for opened in [record.open_with_password(&password(1)).unwrap(), record.open_with_code(&typed).unwrap()] {
        let device = DeviceKey::generate().unwrap();
        let certificate = opened.keys().certify(device.public(), "Ada", 1).unwrap();
        assert_eq!(certificate.account(), opened.keys().account());
        let secrets = opened.keys().device_secrets(device);
        let (read, content) = secrets.vault.open(&name, 1, &value).unwrap();
        assert_eq!((read, ReadMarks::from_bytes(&content.unwrap())), (label, Ok(marks.clone())));
        let old = open_archive(opened.keys().recovery(), &ROOM, 0, &archive).unwrap();
        assert_eq!(old.as_slice(), b"old message secrets");
    }
}

#[test]
fn a_removed_device_opens_nothing_that_is_written_later() {
    let code = RecoveryCode::generate().unwrap();
    let (opened, _) = OpenedRecord::create(AccountKeys::generate().unwrap(), &password(1), &code).unwrap();
    let removed = opened.keys().device_secrets(DeviceKey::generate().unwrap());
    let (opened, _) = opened.with_new_device_keys(&password(1), &[]).unwrap();
    let kept = opened.keys().device_secrets(DeviceKey::generate().unwrap());
    let label = VaultLabel::Room(ROOM);
    let value = kept.vault.seal(label, 2, b"room").unwrap();
    let name = kept.vault.name(label).unwrap();
    assert_ne!(name, removed.vault.name(label).unwrap());
    assert_eq!(removed.vault.open(&name, 2, &value), Err(CryptoError::DoesNotOpen));
    assert_ne!(kept.door.public(), removed.door.public());
}

/// The device that removes another writes the vault anew, and takes over nothing that the removed one could have falsified to its profit.
#[test]
fn after_a_removal_the_vault_is_rebuilt_from_what_the_removed_device_could_not_write() {
    let code = RecoveryCode::generate().unwrap();
    let (opened, _) = OpenedRecord::create(AccountKeys::generate().unwrap(), &password(1), &code).unwrap();
    let (old, bob) = (opened.keys().vault.clone(), Subject::name("bob"));
    let (mut own, mut written) = (Pins::default(), Pins::default());
    own.observe(&bob, &[1; 32], 10);
    written.verify(&bob, &[2; 32], 20);
    let removed = DeviceKey::generate().unwrap().public();
    let vault: Vec<_> = [
        (VaultLabel::Index, b"nonsense".to_vec()),
        (VaultLabel::DoorKey, vec![6; 32]),
        (VaultLabel::Settings, b"send everything to me".to_vec()),
        (VaultLabel::Pins, written.encode()),
        (VaultLabel::Room(ROOM), b"Garden".to_vec()),
        (VaultLabel::Device(removed), b"the removed device".to_vec()),
    ]
    .into_iter()
    .map(|(label, content)| (old.name(label).unwrap(), old.seal(label, 9, &content).unwrap()))
    .collect();

    let (opened, _) = opened.with_new_device_keys(&password(1), &[]).unwrap();
    let (new, mut rebuilt) = (&opened.keys().vault, BTreeMap::new());
    for (name, value) in vault {
        let (label, content) = old.open(&name, 9, &value).unwrap();
        let content = content.unwrap().to_vec();
        let content = match label.rebuilt() {
            Rebuilt::FromKeys if label == VaultLabel::DoorKey => opened.keys().door.seed().expose().to_vec(),
            Rebuilt::FromKeys => continue,
            Rebuilt::FromOwn => b"my own settings".to_vec(),
            Rebuilt::FromOwnAndSuspect => {
                let mut pins = own.clone();
                pins.take_suspect(&Pins::decode(&content).unwrap(), 30);
                pins.encode()
            }
            Rebuilt::IssuedAnew => continue,
            Rebuilt::AsItIs => content,
        };
        rebuilt.insert(label, new.seal(label, 1, &content).unwrap());
    }
    let read = |label: VaultLabel| {
        let value = rebuilt.get(&label)?;
        new.open(&new.name(label).unwrap(), 1, value).unwrap().1.map(|content| content.to_vec())
    };
    assert_eq!(read(VaultLabel::DoorKey), Some(opened.keys().door.seed().expose().to_vec()));
    assert_eq!(read(VaultLabel::Settings), Some(b"my own settings".to_vec()));
    assert_eq!(read(VaultLabel::Room(ROOM)), Some(b"Garden".to_vec()));
    assert_eq!(read(VaultLabel::Device(removed)), None);
    let pins = Pins::decode(&read(VaultLabel::Pins).unwrap()).unwrap();
    assert_eq!((pins.pinned(&bob), pins.state(&bob, &[2; 32])), (Some([1; 32]), PinState::Changed));
}

#[test]
fn garbage_is_refused_by_every_decoder() {
    let keys = AccountKeys::generate().unwrap();
    let vault = VaultKey::generate().unwrap();
    let name = vault.name(VaultLabel::Index).unwrap();
    let offer = PairingOffer::generate().unwrap();
    for round in 0..36_usize {
        let mut garbage = random_array::<6000>().unwrap();
        garbage[0] = 1;
        let garbage = &garbage[..[0, 1, 31, 64, 1249, 1201, 354, 5233, 6000][round % 9]];
        assert!(SealedRecord::from_bytes(garbage).is_err());
        assert!(DeviceSecrets::from_bytes(garbage).is_err());
        assert!(VaultIndex::from_bytes(garbage).is_err());
        assert!(SeenInvites::from_bytes(garbage).is_err());
        assert!(ReadMarks::from_bytes(garbage).is_err());
        assert!(vault.open(&name, 1, garbage).is_err());
        assert!(open_direct_invite(&keys.recovery_keys_alone(), garbage).is_err());
        assert!(open_archive(keys.recovery(), &ROOM, 0, garbage).is_err());
        let new = NewDevice::start(DeviceKey::generate().unwrap()).unwrap();
        let (old, answer) = OldDevice::answer(&offer, new.hello()).unwrap();
        // A hello may hold any key that is one.
        let _ = OldDevice::answer(&offer, garbage);
        assert!(old.receive_reveal(garbage).is_err());
        assert!(new.receive_answer(garbage).is_err());
        drop(answer);
        let text: String = garbage.iter().map(|byte| char::from(*byte)).collect();
        assert!(RecoveryCode::parse(&text).is_err());
        assert!(PairingOffer::parse(&text).is_err());
        let _ = (UserAddress::parse(&text), Username::parse(&text), Password::new(&text));
    }
}
