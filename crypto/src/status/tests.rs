//! What the relay can tell of a status (nothing), and what a member can forge (nothing).

use super::*;
use crate::{
    DeviceKey, Secret, golden,
    identity::AccountId,
    room::{Roster, RosterEntry, StatusKey},
};
use sotto_protocol::RoomId;

const GOLDEN: &str = include_str!("../../tests/goldens/status-v1.hex");

const ROOM: RoomId = RoomId::new([1; 16]);
static SECRET: StatusKey = StatusKey::from_seed(Secret::new([2; 32]));
const NOW: u64 = 1_700_000_000_000;

fn device(number: u8) -> DeviceKey {
    DeviceKey::from_seed(&Secret::new([number; 32]))
}

const fn account(number: u8) -> AccountId {
    AccountId::new([number; 16])
}

/// Devices 0, 1 and 2 at their leaves.
fn roster() -> Roster {
    Roster::from_entries((0..3_u8).map(|number| {
        let device_key = device(number).public();
        (u32::from(number), RosterEntry::sample(number, device_key))
    }))
}

fn registers() -> StatusRegisters<'static> {
    StatusRegisters::new(&SECRET, ROOM, 5)
}

fn base(version: u64) -> Status {
    Status::new(version, Chain { seq: 9, hash: [3; 32] })
}

fn full(version: u64) -> Status {
    Status {
        delivered_seq: Some(9),
        read_seq: Some(8),
        typing_until_ms: Some(NOW + 5_000),
        present_until_ms: Some(NOW + 60_000),
        ..base(version)
    }
}

/// The four things that can change.
fn changes() -> [Status; 4] {
    [
        Status { delivered_seq: Some(10), ..full(2) },
        Status { read_seq: Some(10), ..full(2) },
        Status { typing_until_ms: Some(NOW + 9_000), ..full(2) },
        Status { present_until_ms: Some(NOW + 90_000), ..full(2) },
    ]
}

#[test]
fn delivered_read_typing_and_present_are_one_and_the_same_write() {
    let largest = u64::MAX;
    let extremes = [
        base(0),
        Status {
            version: largest,
            chain: Chain { seq: largest, hash: [255; 32] },
            delivered_seq: Some(largest),
            read_seq: Some(largest),
            typing_until_ms: Some(largest),
            present_until_ms: Some(largest),
            own_mark: Some(ReadMark { turn: u32::MAX, seq: largest }),
        },
    ];
    let mut schedules = Vec::new();
    let mut writes = Vec::new();
    for status in changes().into_iter().chain(extremes) {
        // Whatever changes, the schedule hears of it in the same way: it is not told what.
        let mut schedule = StatusSchedule::default();
        schedule.changed(NOW + 1);
        let due_ms = schedule.due_ms().unwrap();
        schedules.push((due_ms, schedule.take(due_ms - 1), schedule.take(due_ms), schedule.due_ms()));
        let write = registers().seal(&device(1), 1, &status).unwrap();
        assert_eq!(write.value.len(), REGISTER_BYTES);
        writes.push((write.register, write.value[..9].to_vec()));
    }
    schedules.dedup();
    writes.dedup();
    assert_eq!((schedules.len(), writes.len()), (1, 1), "same tick, same register, same clear header");
}

#[test]
fn two_writes_of_one_status_have_no_sealed_byte_in_common_place() {
    let write = || registers().seal(&device(1), 1, &full(1)).unwrap().value;
    let (one, other) = (write(), write());
    let same = one.iter().zip(other).skip(9).filter(|(one, other)| *one == other).count();
    assert!(same < 20, "{same} of 247 bytes agree by chance");
}

#[test]
fn a_status_is_opened_by_those_of_its_epoch() {
    for status in changes().into_iter().chain([base(0)]) {
        let write = registers().seal(&device(1), 1, &status).unwrap();
        let opened = registers().open(&roster(), &write.register, &write.value).unwrap();
        assert_eq!((opened.status, opened.leaf, opened.sender.account), (status, 1, account(1)));
    }
    let write = registers().seal(&device(1), 1, &full(1)).unwrap();
    let open = |registers: &StatusRegisters<'_>| registers.open(&roster(), &write.register, &write.value);
    let later = StatusRegisters::new(&SECRET, ROOM, 6);
    assert_eq!(open(&later), Err(CryptoError::WrongEpoch { expected: 6, found: 5 }));
    let other_room = StatusRegisters::new(&SECRET, RoomId::new([9; 16]), 5);
    assert_eq!(open(&other_room), Err(CryptoError::DoesNotOpen));
    let other_secret = StatusKey::from_seed(Secret::new([9; 32]));
    assert_eq!(open(&StatusRegisters::new(&other_secret, ROOM, 5)), Err(CryptoError::DoesNotOpen));
}

#[test]
fn every_changed_byte_and_every_other_length_is_noticed() {
    let write = registers().seal(&device(1), 1, &full(1)).unwrap();
    for position in 0..REGISTER_BYTES {
        let mut value = write.value;
        value[position] ^= 1;
        assert!(registers().open(&roster(), &write.register, &value).is_err(), "byte {position}");
    }
    let long = [&write.value[..], &[0]].concat();
    for value in [&write.value[1..], &write.value[..255], &long, &[]] {
        assert_eq!(registers().open(&roster(), &write.register, value), Err(malformed()));
    }
}

#[test]
fn no_member_writes_under_anothers_leaf() {
    let registers = registers();
    let open = |write: &StatusWrite| registers.open(&roster(), &write.register, &write.value);
    // Device 2 writes as leaf 1.
    let forged = registers.seal(&device(2), 1, &full(1)).unwrap();
    assert_eq!(open(&forged), Err(CryptoError::BadSignature));
    // A leaf that nobody has.
    let ghost = registers.seal(&device(2), 7, &full(1)).unwrap();
    assert_eq!(open(&ghost), Err(CryptoError::BadSignature));
    // The relay puts device 2's value into the register of device 1.
    let moved = registers.seal(&device(2), 2, &full(1)).unwrap();
    let register = registers.id(&device(1)).unwrap();
    assert_eq!(registers.open(&roster(), &register, &moved.value), Err(CryptoError::DoesNotOpen));
    // So does a member, who can seal anew what device 2 signed.
    let resealed = reseal(&moved, register);
    assert_eq!(open(&resealed), Err(CryptoError::BadSignature));
}

#[test]
fn a_register_is_its_devices_alone_and_another_one_in_every_epoch() {
    let ids = [1, 2].map(|number| registers().id(&device(number)).unwrap());
    assert_ne!(ids[0], ids[1], "the room's secrets without the device's key give another register");
    let write = registers().seal(&device(1), 1, &full(1)).unwrap();
    assert_eq!((write.register, sotto_protocol::register_of(&write.key)), (ids[0], ids[0]));
    assert_ne!(StatusRegisters::new(&SECRET, ROOM, 6).id(&device(1)).unwrap(), ids[0]);
    assert_ne!(StatusRegisters::new(&SECRET, RoomId::new([9; 16]), 5).id(&device(1)).unwrap(), ids[0]);
    assert_eq!(format!("{write:?}"), "StatusWrite(…)");
}

/// What a member can do to another's value: open it, and seal the same words for another register.
fn reseal(write: &StatusWrite, register: RegisterId) -> StatusWrite {
    use crate::{entry, kdf, labels};
    use aes_gcm::aead::{Aead as _, Payload};
    let (header, sealed) = write.value.split_at(25);
    let cipher = |register: &RegisterId| {
        let parts = [ROOM.as_bytes(), &register[..], &header[9..]];
        let okm = kdf::expand::<44>(SECRET.seed(), labels::expand::STATUS, &parts).unwrap();
        let aad = [header, register, ROOM.as_bytes()].concat();
        (entry::split_key_and_nonce(&okm).unwrap(), aad)
    };
    let ((opener, nonce), aad) = cipher(&write.register);
    let plain = opener.decrypt(&nonce, Payload { msg: sealed, aad: &aad }).unwrap();
    let ((sealer, nonce), aad) = cipher(&register);
    let sealed = sealer.encrypt(&nonce, Payload { msg: &plain, aad: &aad }).unwrap();
    StatusWrite { register, value: [header, &sealed].concat().try_into().unwrap(), ..*write }
}

#[test]
fn the_greatest_version_counts_and_lasts_across_epochs() {
    let mut board = StatusBoard::default();
    let opened = |registers: StatusRegisters<'_>, status: Status| {
        let write = registers.seal(&device(1), 1, &status).unwrap();
        registers.open(&roster(), &write.register, &write.value).unwrap()
    };
    assert!(board.take(&opened(registers(), full(7)), NOW));
    assert!(!board.take(&opened(registers(), full(7)), NOW), "a replay");
    let older = Status { read_seq: Some(1), ..full(6) };
    assert!(!board.take(&opened(registers(), older), NOW), "an older one");
    board.enter_epoch(&roster());
    assert_eq!(board.get(&device(1).public()), Some(&full(7)), "kept until there is a newer one");
    let next = StatusKey::from_seed(Secret::new([8; 32]));
    let newer = Status { read_seq: Some(12), ..full(8) };
    assert!(board.take(&opened(StatusRegisters::new(&next, ROOM, 6), newer), NOW));
    assert_eq!(board.read(12), [account(1)].into());
    assert_eq!((board.read(13).len(), board.delivered(9)), (0, [account(1)].into()));
    board.enter_epoch(&Roster::default());
    assert_eq!(board.get(&device(1).public()), None, "who left is forgotten");
}

#[test]
fn nobody_types_for_ever() {
    let mut board = StatusBoard::default();
    let status = Status { typing_until_ms: Some(u64::MAX), present_until_ms: Some(u64::MAX), ..base(1) };
    let write = registers().seal(&device(1), 1, &status).unwrap();
    board.take(&registers().open(&roster(), &write.register, &write.value).unwrap(), NOW);
    assert_eq!(board.typing(NOW + TYPING_MAX_MS - 1), [account(1)].into());
    assert!(board.typing(NOW + TYPING_MAX_MS).is_empty());
    assert_eq!(board.present(NOW + PRESENT_MAX_MS - 1), [account(1)].into());
    assert!(board.present(NOW + PRESENT_MAX_MS).is_empty());
}

#[test]
fn what_is_switched_off_is_left_out_and_does_not_show_in_the_size() {
    let off = StatusSwitches { delivered: false, read: false, typing: false, present: false };
    let cases = [
        (StatusSwitches::default(), full(1)),
        (StatusSwitches { read: false, ..Default::default() }, Status { read_seq: None, ..full(1) }),
        (StatusSwitches { typing: false, ..Default::default() }, Status { typing_until_ms: None, ..full(1) }),
        (off, base(1)),
    ];
    for (switches, expected) in cases {
        let status = full(1).only(switches);
        assert_eq!(status, expected);
        assert_eq!(registers().seal(&device(1), 1, &status).unwrap().value.len(), REGISTER_BYTES);
    }
}

#[test]
fn writes_fall_on_ticks_and_are_gathered() {
    let mut schedule = StatusSchedule::default();
    assert_eq!((schedule.due_ms(), schedule.take(NOW)), (None, None));
    let tick = (NOW / TICK_MS + 1) * TICK_MS;
    for now in [NOW, NOW + 1, NOW + 500] {
        schedule.changed(now);
    }
    assert_eq!(schedule.due_ms(), Some(tick));
    assert_eq!(schedule.take(tick), Some(tick));
    assert_eq!(schedule.take(tick + 1), None, "one write for all of it");
    schedule.changed(tick);
    assert_eq!(schedule.due_ms(), Some(tick + TICK_MS), "never twice in one tick");
}

#[test]
fn after_an_epoch_change_a_status_is_written_again_at_some_tick_within_a_minute() {
    let mut ticks = std::collections::BTreeSet::new();
    for random in (0..600_000).step_by(777) {
        let mut schedule = StatusSchedule::default();
        schedule.epoch_changed(NOW, random);
        let due_ms = schedule.due_ms().unwrap();
        assert!(due_ms % TICK_MS == 0 && due_ms > NOW && due_ms <= NOW + REPUBLISH_WITHIN_MS + TICK_MS);
        ticks.insert(due_ms);
        schedule.changed(NOW);
        assert!(schedule.due_ms().unwrap() <= NOW + TICK_MS, "a change does not wait for it");
    }
    assert_eq!(ticks.len(), 21, "spread over the minute");
}

#[test]
fn versions_rise_though_the_clock_falls_back_or_the_device_forgets() {
    let mut schedule = StatusSchedule::default();
    let mut write = |now| {
        schedule.changed(now);
        schedule.take(now + TICK_MS).unwrap()
    };
    let (first, second, third) = (write(NOW), write(NOW - 50_000), write(NOW + 1));
    assert!(first < second && second < third);
    let mut forgetful = StatusSchedule::default();
    forgetful.saw_own(third);
    forgetful.changed(NOW);
    assert!(forgetful.take(NOW + TICK_MS).unwrap() > third);
}

#[test]
fn the_golden_register_opens_and_is_what_is_written() {
    let write = registers().seal_given(&device(1), 1, &full(7), [4; 16], [6; OWN_MARK_BYTES]).unwrap();
    let lines = [("register", write.register.to_vec()), ("value", write.value.to_vec())];
    golden::check(GOLDEN, &lines);
    let register = golden::line(GOLDEN, "register").try_into().unwrap();
    let opened = registers().open(&roster(), &register, &golden::line(GOLDEN, "value")).unwrap();
    assert_eq!(opened.status, full(7));
}

#[test]
fn debug_shows_nothing() {
    let write = registers().seal(&device(1), 1, &full(1)).unwrap();
    let opened = registers().open(&roster(), &write.register, &write.value).unwrap();
    let shown = format!("{:?} {opened:?} {:?}", full(1), registers());
    assert!(
        shown.contains("Status(…)") && !shown.contains("170000") && shown.contains("StatusKey(…)"),
        "{shown}"
    );
}
