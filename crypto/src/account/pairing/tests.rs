//! Pairing between honest devices, with somebody between them, and with broken messages.

use super::*;
use crate::{
    DeviceKey,
    account::{AccountKeys, Mark, VaultIndex, VaultLabel},
    golden,
    identity::IdentityKey,
};
use sotto_protocol::limits::PAIRING_SESSION_MAX_BYTES;
use std::sync::LazyLock;

const GOLDEN: &str = include_str!("../../../tests/goldens/pairing-v1.hex");

static SEEN: LazyLock<VaultIndex> = LazyLock::new(|| {
    let mut seen = VaultIndex::default();
    seen.note_record(Mark::of(5, b"record")).unwrap();
    let vault = VaultKey::from_seed(Secret::new([13; 32]));
    seen.note(vault.name(VaultLabel::Index).unwrap(), Mark::of(6, b"index")).unwrap();
    seen.note(vault.name(VaultLabel::Settings).unwrap(), Mark::of(7, b"settings")).unwrap();
    seen
});

fn grant_of(seen: &VaultIndex) -> PairingGrant<'_> {
    PairingGrant { display_name: "Ada", not_before_ms: 1, session: b"session", seen }
}

fn new_device() -> NewDevice {
    NewDevice::start(DeviceKey::generate().unwrap()).unwrap()
}

/// Both sides up to the comparison.
fn compared() -> (VerifyingNewDevice, VerifyingOldDevice) {
    let new = new_device();
    let (old, answer) = OldDevice::answer(new.offer(), new.hello()).unwrap();
    let (new, reveal) = new.receive_answer(&answer).unwrap();
    (new, old.receive_reveal(&reveal).unwrap())
}

#[test]
fn a_new_device_becomes_one_of_the_account() {
    let keys = AccountKeys::generate().unwrap();
    let new = new_device();
    let offer = PairingOffer::parse(&new.offer().to_text().to_lowercase()).unwrap();
    assert_eq!((&offer, offer.mailbox()), (new.offer(), new.offer().mailbox()));
    let (old, answer) = OldDevice::answer(&offer, new.hello()).unwrap();
    assert_eq!((new.hello().len(), answer.len()), (1249, 1201));
    let (new, reveal) = new.receive_answer(&answer).unwrap();
    assert_eq!(reveal.len(), 354);
    let old = old.receive_reveal(&reveal).unwrap();
    let grant = old.grant(&new.code().to_string(), &keys, grant_of(&SEEN)).unwrap();
    let paired = new.confirm().receive_grant(&grant).unwrap();
    assert_eq!(paired.account, keys.account());
    assert_eq!(paired.certificate.device_key(), &paired.secrets.device.public());
    assert_eq!((&paired.secrets.vault, &paired.secrets.door), (&keys.vault, &keys.door));
    assert_eq!(paired.session.as_slice(), b"session");
    assert_eq!(paired.recovery_public, keys.recovery().public());
    let own = paired.secrets.own_device(paired.certificate.clone(), paired.recovery_public.clone()).unwrap();
    assert_eq!(own.door_key, keys.door);
    for private in [keys.identity.seed(), keys.recovery.seed().clone()] {
        assert!(!paired.secrets.to_bytes().windows(32).any(|window| window == private.expose()));
    }
}

#[test]
fn a_paired_device_knows_record_and_vault_when_it_sees_them() {
    let keys = AccountKeys::generate().unwrap();
    let name = keys.vault.name(VaultLabel::Index).unwrap();
    let mut seen = SEEN.clone();
    seen.note(name, Mark::of(9, b"index")).unwrap();
    let (new, old) = compared();
    let grant = old.grant(&new.code().to_string(), &keys, grant_of(&seen)).unwrap();
    let mut known = new.confirm().receive_grant(&grant).unwrap().seen;
    assert_eq!(
        known.note_record(Mark::of(4, b"older record")),
        Err(CryptoError::RolledBack { expected: 5, found: 4 })
    );
    assert_eq!(
        known.check(&name, &Mark::of(8, b"older index")),
        Err(CryptoError::RolledBack { expected: 9, found: 8 })
    );
    assert_eq!(known.check(&name, &Mark::of(9, b"forked index")), Err(CryptoError::Forked));
    assert_eq!(known.note_record(Mark::of(5, b"record")), Ok(()));
}

#[test]
fn whoever_sits_between_makes_the_codes_differ() {
    let keys = AccountKeys::generate().unwrap();
    let victim = new_device();
    // The one between knows the offer, and plays the old device to the new one and a new device to the old one.
    let offer = victim.offer().clone();
    let between = NewDevice::start_seeded(
        DeviceKey::generate().unwrap(),
        offer.clone(),
        &Secret::random().unwrap(),
        [9; 32],
    );
    let (old, answer) = OldDevice::answer(&offer, between.hello()).unwrap();
    let (_, false_answer) = OldDevice::answer(&offer, victim.hello()).unwrap();
    let (victim, _) = victim.receive_answer(&false_answer).unwrap();
    let (between, reveal) = between.receive_answer(&answer).unwrap();
    let old = old.receive_reveal(&reveal).unwrap();
    assert_ne!(victim.code().to_string(), between.code().to_string());
    assert_eq!(old.grant(&victim.code().to_string(), &keys, grant_of(&SEEN)), Err(CryptoError::CodesDiffer));
}

#[test]
fn a_nonce_cannot_be_chosen_after_the_answer() {
    let new = new_device();
    let (old, answer) = OldDevice::answer(new.offer(), new.hello()).unwrap();
    let (_, mut reveal) = new.receive_answer(&answer).unwrap();
    reveal[1] ^= 1;
    assert!(matches!(old.receive_reveal(&reveal), Err(CryptoError::CodesDiffer)));
}

#[test]
fn a_relay_that_did_not_see_the_offer_cannot_take_part() {
    let new = new_device();
    let guessed = PairingOffer::generate().unwrap();
    let (_, answer) = OldDevice::answer(&guessed, new.hello()).unwrap();
    assert!(matches!(new.receive_answer(&answer), Err(CryptoError::DoesNotOpen)));
}

#[test]
fn recorded_messages_are_worth_nothing_in_another_pairing() {
    let keys = AccountKeys::generate().unwrap();
    let new = new_device();
    let (offer, hello) = (new.offer().clone(), new.hello().to_vec());
    let (_, answer) = OldDevice::answer(&offer, &hello).unwrap();
    let (first, reveal) = new.receive_answer(&answer).unwrap();
    // Hello and reveal again: the old device has drawn another secret.
    let (again, _) = OldDevice::answer(&offer, &hello).unwrap();
    assert!(matches!(again.receive_reveal(&reveal), Err(CryptoError::DoesNotOpen)));
    // An old answer: it was sealed to another key.
    assert!(new_device().receive_answer(&answer).is_err());
    // Another pairing's grant.
    let (second, old) = compared();
    let grant = old.grant(&second.code().to_string(), &keys, grant_of(&SEEN)).unwrap();
    assert!(matches!(first.confirm().receive_grant(&grant), Err(CryptoError::DoesNotOpen)));
    assert!(second.confirm().receive_grant(&grant).is_ok());
}

#[test]
fn a_grant_for_another_device_is_refused() {
    let keys = AccountKeys::generate().unwrap();
    let (new, mut old) = compared();
    old.device_key = DeviceKey::generate().unwrap().public();
    let grant = old.grant(&new.code().to_string(), &keys, grant_of(&SEEN)).unwrap();
    assert!(matches!(new.confirm().receive_grant(&grant), Err(CryptoError::Malformed("pairing grant"))));
}

#[test]
fn the_code_is_typed_as_people_type_it() {
    let keys = AccountKeys::generate().unwrap();
    let (new, old) = compared();
    let code = new.code().to_string();
    assert_eq!((code.len(), code.as_bytes()[3]), (8, b' '));
    for typed in [code.clone(), code.replace(' ', ""), code.replace(' ', "-"), format!(" {code} ")] {
        assert!(old.grant(&typed, &keys, grant_of(&SEEN)).is_ok(), "{typed:?}");
    }
    let wrong = if code.ends_with('0') { '1' } else { '0' };
    for typed in [String::new(), code[1..].to_owned(), format!("{}{wrong}", &code[..7]), format!("{code}0")] {
        assert_eq!(old.grant(&typed, &keys, grant_of(&SEEN)), Err(CryptoError::CodesDiffer), "{typed:?}");
    }
    let session = vec![0; PAIRING_SESSION_MAX_BYTES + 1];
    let too_long = old.grant(&code, &keys, PairingGrant { session: &session, ..grant_of(&SEEN) });
    assert!(matches!(too_long, Err(CryptoError::OverLimit { .. })));
}

#[test]
fn cut_changed_and_newer_messages_are_refused() {
    let fresh = new_device();
    let offer = fresh.offer().clone();
    let hello = fresh.hello().to_vec();
    for cut in [0, 1, 33, 1217, hello.len() - 1] {
        assert!(OldDevice::answer(&offer, &hello[..cut]).is_err(), "cut at {cut}");
    }
    assert!(OldDevice::answer(&offer, &[&hello[..], &[0]].concat()).is_err());
    let mut newer = hello.clone();
    newer[0] = 2;
    assert!(matches!(OldDevice::answer(&offer, &newer), Err(CryptoError::NewerVersion)));
    let mut low_order = hello.clone();
    low_order[1 + 1184..1 + 1216].fill(0);
    assert!(matches!(OldDevice::answer(&offer, &low_order), Err(CryptoError::BadKey)));

    let again = || {
        NewDevice::start_seeded(DeviceKey::generate().unwrap(), offer.clone(), &Secret::new([1; 32]), [2; 32])
    };
    let (_, answer) = OldDevice::answer(&offer, again().hello()).unwrap();
    assert!(again().receive_answer(&answer).is_ok());
    for position in [0, 1, 500, 1089, 1121, 1168] {
        let mut flipped = answer.clone();
        flipped[position] ^= 1;
        assert!(again().receive_answer(&flipped).is_err(), "byte {position}");
        assert!(again().receive_answer(&answer[..position]).is_err(), "cut at {position}");
    }
    assert!(again().receive_answer(&[&answer[..], &[0]].concat()).is_err());
    let mut low_order = answer.clone();
    low_order[1 + 1088..1 + 1120].fill(0);
    assert!(matches!(again().receive_answer(&low_order), Err(CryptoError::BadKey)));

    for position in [0, 1, 33, 34, 60, 100, 353] {
        let new = again();
        let (old, answer) = OldDevice::answer(&offer, new.hello()).unwrap();
        let (_, mut reveal) = new.receive_answer(&answer).unwrap();
        reveal[position] ^= 1;
        assert!(old.receive_reveal(&reveal).is_err(), "byte {position}");
    }
    for position in [0, 1, 17, 60, 300] {
        let (new, old) = compared();
        let keys = AccountKeys::generate().unwrap();
        let mut grant = old.grant(&new.code().to_string(), &keys, grant_of(&SEEN)).unwrap();
        grant[position] ^= 1;
        assert!(new.confirm().receive_grant(&grant).is_err(), "byte {position}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let new = new_device();
    let shown = format!("{new:?} {:?}", new.offer());
    let (old, answer) = OldDevice::answer(new.offer(), new.hello()).unwrap();
    let (new, _) = new.receive_answer(&answer).unwrap();
    assert_eq!(shown, "NewDevice(…) PairingOffer(…)");
    assert_eq!(
        format!("{old:?} {new:?} {:?}", new.code()),
        "OldDevice(…) VerifyingNewDevice(…) ShortCode(…)"
    );
    assert_eq!(format!("{:?}", new.confirm()), "ComparedNewDevice(VerifyingNewDevice(…))");
}

#[test]
fn the_bytes_are_the_golden_ones() {
    let seed = |byte| Secret::new([byte; 32]);
    let offer = PairingOffer::from_symbols([3; 16]);
    let new = NewDevice::start_seeded(DeviceKey::from_seed(&seed(4)), offer.clone(), &seed(5), [6; 32]);
    let hello = new.hello().to_vec();
    let (old, answer) = OldDevice::answer_seeded(&offer, &hello, &seed(7), &[8; 32], &seed(9)).unwrap();
    let (new, reveal) = new.receive_answer_salted(&answer, &[10; 16]).unwrap();
    let mut keys = AccountKeys::register(IdentityKey::from_seed(&seed(11))).unwrap();
    keys.recovery = crate::account::RecoveryKey::from_seed(seed(12));
    keys.vault = VaultKey::from_seed(seed(13));
    keys.door = DoorKey::from_seed(seed(14));
    let old = old.receive_reveal(&golden::line(GOLDEN, "reveal")).unwrap();
    let grant = old.grant_salted(&new.code().to_string(), &keys, grant_of(&SEEN), &[15; 16]).unwrap();
    let lines = [
        ("mailbox", offer.mailbox().to_vec()),
        ("hello", hello),
        ("answer", answer),
        ("reveal", reveal),
        ("code", new.code().to_string().into_bytes()),
        ("grant", grant),
    ];
    golden::check(GOLDEN, &lines);
    assert!(new.confirm().receive_grant(&golden::line(GOLDEN, "grant")).is_ok());
}
