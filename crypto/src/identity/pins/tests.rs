//! First use, change, comparison, and devices that merge what they know in any order.

use super::*;
use crate::golden;

const GOLDEN: &str = include_str!("../../../tests/goldens/pins-v1.hex");

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn ada() -> Subject {
    Subject::name("ada")
}

#[test]
fn the_first_key_is_pinned_and_another_one_is_announced_once() {
    let mut pins = Pins::default();
    assert_eq!(pins.state(&ada(), &OLD), PinState::Unverified, "never seen");
    assert_eq!(pins.observe(&ada(), &OLD, 10), Seen::First);
    assert_eq!(pins.observe(&ada(), &OLD, 11), Seen::Known(PinState::Unverified));
    assert_eq!(pins.changed().count(), 0);
    assert_eq!(pins.observe(&ada(), &NEW, 12), Seen::NewKey);
    assert_eq!(pins.observe(&ada(), &NEW, 13), Seen::Known(PinState::Changed));
    assert_eq!(pins.changed().collect::<Vec<_>>(), [(&ada(), NEW)]);
    assert_eq!((pins.pinned(&ada()), pins.state(&ada(), &OLD)), (Some(OLD), PinState::Unverified));
    assert_eq!(pins.observe(&Subject::name("bob"), &NEW, 14), Seen::First, "each name has its own");
    assert_eq!(pins.observe(&Subject::contact(b"ada.............",), &NEW, 14), Seen::First);
}

#[test]
fn a_compared_key_is_verified_until_it_changes_or_the_mark_is_taken_away() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 10);
    pins.verify(&ada(), &OLD, 11);
    assert_eq!(pins.observe(&ada(), &OLD, 12), Seen::Known(PinState::Verified));
    pins.observe(&ada(), &NEW, 13);
    assert_eq!(pins.state(&ada(), &NEW), PinState::Changed);
    pins.accept(&ada(), &NEW, 14);
    assert_eq!(pins.state(&ada(), &NEW), PinState::Unverified, "accepted is not compared");
    assert_eq!(pins.state(&ada(), &OLD), PinState::Changed);
    assert_eq!(pins.changed().count(), 0);
    pins.verify(&ada(), &NEW, 15);
    assert_eq!(pins.state(&ada(), &NEW), PinState::Verified);
    pins.unverify(&ada(), &NEW, 15);
    assert_eq!(pins.state(&ada(), &NEW), PinState::Unverified);
}

#[test]
fn what_a_user_decides_counts_though_the_clock_fell_back() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 1000);
    pins.verify(&ada(), &OLD, 1001);
    pins.observe(&ada(), &NEW, 5);
    assert_eq!(pins.changed().count(), 1);
    pins.accept(&ada(), &NEW, 6);
    assert_eq!(pins.pinned(&ada()), Some(NEW));
}

#[test]
fn the_earliest_of_two_first_uses_is_pinned_and_the_other_shows_as_a_change() {
    let (mut phone, mut laptop) = (Pins::default(), Pins::default());
    phone.observe(&ada(), &OLD, 10);
    laptop.observe(&ada(), &NEW, 20);
    phone.merge(&laptop);
    assert_eq!((phone.pinned(&ada()), phone.state(&ada(), &NEW)), (Some(OLD), PinState::Changed));
    assert_eq!(phone.changed().count(), 1);
}

#[test]
fn devices_agree_in_whatever_order_they_merge() {
    for seed in 0..200_u64 {
        let devices: Vec<Pins> = (0..3).map(|device| any_pins(seed * 3 + device)).collect();
        let merge = |order: [usize; 3]| {
            let mut merged = Pins::default();
            for device in order {
                merged.merge(&devices[device]);
            }
            merged
        };
        let expected = merge([0, 1, 2]);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert!(merge(order) == expected, "seed {seed}");
        }
        let mut nested = devices[1].clone();
        nested.merge(&devices[2]);
        let mut again = devices[0].clone();
        again.merge(&nested);
        assert!(again == expected, "seed {seed}: any grouping");
        again.merge(&expected);
        assert!(again == expected, "seed {seed}: twice is once");
        assert!(Pins::decode(&expected.encode()).unwrap() == expected);
    }
}

/// Some twenty things that a device may have seen and its user may have done.
fn any_pins(seed: u64) -> Pins {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    let mut pins = Pins::default();
    for _ in 0..20 {
        let (subject, key) = (Subject::name(["ada", "bob"][roll(2) as usize]), [roll(4) as u8; 32]);
        let now_ms = roll(50);
        match roll(6) {
            0 => pins.accept(&subject, &key, now_ms),
            1 => pins.verify(&subject, &key, now_ms),
            2 => pins.unverify(&subject, &key, now_ms),
            _ => {
                pins.observe(&subject, &key, now_ms);
            }
        }
    }
    pins
}

#[test]
fn a_flood_of_keys_forgets_neither_the_pinned_nor_the_latest() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 1);
    pins.verify(&ada(), &OLD, 2);
    for number in 10..100 {
        pins.observe(&ada(), &[number; 32], u64::from(number));
    }
    assert_eq!(pins.0[&ada()].len(), KEYS_PER_SUBJECT_MAX);
    assert_eq!(
        (pins.state(&ada(), &OLD), pins.changed().next()),
        (PinState::Verified, Some((&ada(), [99; 32])))
    );
}

#[test]
fn pins_are_stored_as_they_always_were() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 1000);
    pins.verify(&ada(), &OLD, 1001);
    pins.observe(&ada(), &NEW, 1002);
    pins.observe(&Subject::contact(&[7; 16]), &NEW, 1003);
    pins.unverify(&Subject::contact(&[7; 16]), &NEW, 1004);
    golden::check(GOLDEN, &[("pins", pins.encode())]);
    assert!(Pins::decode(&golden::line(GOLDEN, "pins")).unwrap() == pins);
    let newer = sotto_protocol::encode(&Stored { version: 2, subjects: vec![] });
    assert_eq!(Pins::decode(&newer), Err(CryptoError::NewerVersion));
    let stored = pins.encode();
    assert!((0..stored.len()).all(|cut| Pins::decode(&stored[..cut]).is_err()));
}

#[test]
fn a_clock_at_the_end_of_time_leaves_room_for_what_is_decided_later() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 1);
    pins.verify(&ada(), &NEW, u64::MAX);
    let mut other = Pins::decode(&pins.encode()).unwrap();
    for _ in 0..3 {
        other.unverify(&ada(), &NEW, 5);
        assert_eq!(other.state(&ada(), &NEW), PinState::Unverified);
        other.verify(&ada(), &NEW, u64::MAX);
        assert_eq!(other.state(&ada(), &NEW), PinState::Verified);
    }
    other.accept(&ada(), &OLD, 6);
    assert_eq!(other.pinned(&ada()), Some(OLD));
    pins.merge(&other);
    assert!(pins.pinned(&ada()) == Some(OLD) && Pins::decode(&pins.encode()).is_ok());
}

#[test]
fn times_that_none_could_follow_are_not_read() {
    let stored = |record: Record| {
        let subjects = vec![StoredSubject(ada(), vec![StoredKey(OLD, record)])];
        Pins::decode(&sotto_protocol::encode(&Stored { version: VERSION, subjects }))
    };
    assert!(stored(Record::new(TIME_MAX_MS)).is_ok());
    let late = Some(TIME_MAX_MS + 1);
    for record in [
        Record::new(TIME_MAX_MS + 1),
        Record { first_seen_ms: u64::MAX, ..Record::new(1) },
        Record { accepted_at_ms: late, ..Record::new(1) },
        Record { verified_at_ms: late, ..Record::new(1) },
        Record { unverified_at_ms: Some(u64::MAX), ..Record::new(1) },
    ] {
        assert_eq!(stored(record), Err(CryptoError::Malformed("pins")));
    }
}

#[test]
fn what_a_removed_device_may_have_written_verifies_nobody_and_replaces_no_key() {
    let (mut own, mut vault) = (Pins::default(), Pins::default());
    let (bob, cy) = (Subject::name("bob"), Subject::name("cy"));
    own.observe(&ada(), &OLD, 10);
    own.verify(&ada(), &OLD, 11);
    vault.merge(&own);
    vault.accept(&ada(), &NEW, 20);
    vault.verify(&bob, &NEW, 21);
    vault.observe(&cy, &OLD, 1);
    own.observe(&cy, &NEW, 5);
    own.take_suspect(&vault, 30);
    assert_eq!((own.pinned(&ada()), own.state(&ada(), &OLD)), (Some(OLD), PinState::Verified));
    assert_eq!((own.pinned(&bob), own.state(&bob, &NEW)), (Some(NEW), PinState::Unverified));
    assert_eq!(own.pinned(&cy), Some(NEW), "not even by having been seen earlier");
    // A time from the far future would leave no later one for what the person decides.
    let (mut own, mut vault) = (Pins::default(), Pins::default());
    vault.observe(&bob, &OLD, TIME_MAX_MS);
    own.take_suspect(&vault, 30);
    own.verify(&bob, &OLD, 40);
    own.unverify(&bob, &OLD, 41);
    own.verify(&bob, &OLD, 42);
    assert_eq!(own.state(&bob, &OLD), PinState::Verified);
    assert_eq!(own.0[&bob][&OLD].newest_stamp(), 42);
}

#[test]
fn debug_shows_nobody() {
    let mut pins = Pins::default();
    pins.observe(&ada(), &OLD, 1);
    assert_eq!(format!("{pins:?} {:?}", ada()), "Pins { subjects: 1, .. } Subject(…)");
}
