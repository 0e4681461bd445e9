//! How far a person has read agrees on the person's devices, and is nobody else's to see.

use super::{read_mark::Place, *};
use crate::{
    DeviceKey, Secret,
    account::VaultKey,
    room::{Roster, RosterEntry, StatusKey},
};
use sotto_protocol::RoomId;

const ROOM: RoomId = RoomId::new([1; 16]);
const NOW: u64 = 1_700_000_000_000;
static SECRET: StatusKey = StatusKey::from_seed(Secret::new([2; 32]));
static ADA: VaultKey = VaultKey::from_seed(Secret::new([3; 32]));
static BOB: VaultKey = VaultKey::from_seed(Secret::new([4; 32]));

fn device(number: u8) -> DeviceKey {
    DeviceKey::from_seed(&Secret::new([number; 32]))
}

fn roster() -> Roster {
    let entry = |number: u8| (u32::from(number), RosterEntry::sample(number, device(number).public()));
    Roster::from_entries((0..4_u8).map(entry))
}

const fn at(epoch: u64) -> StatusRegisters<'static> {
    StatusRegisters::new(&SECRET, ROOM, epoch)
}

/// With every switch off.
fn marked(version: u64, mark: ReadMark) -> Status {
    let off = StatusSwitches { delivered: false, read: false, typing: false, present: false };
    let status = Status::new(version, Chain { seq: 9, hash: [3; 32] });
    Status { read_seq: Some(9), own_mark: Some(mark), ..status }.only(off)
}

fn read(seq: u64) -> ReadMark {
    ReadMark::default().read(seq)
}

/// What a reader finds in what a device has written.
fn seen(
    writer: StatusRegisters<'_>,
    number: u8,
    status: &Status,
    reader: StatusRegisters<'_>,
) -> OpenedStatus {
    let write = writer.seal(&device(number), number.into(), status).unwrap();
    reader.open(&roster(), &write.register, &write.value).unwrap()
}

#[test]
fn the_devices_of_an_account_agree_on_what_was_read_with_receipts_off() {
    let mine = at(5).of_account(&ADA);
    // Two devices of hers write, three hear of it in different orders, some of it twice.
    let said = [(0, 10, read(7)), (1, 11, read(4)), (0, 12, read(8)), (1, 13, read(8).unread_after(6))];
    let heard = said.map(|(number, version, mark)| seen(mine, number, &marked(version, mark), mine));
    for order in [&[0, 1, 2, 3][..], &[3, 2, 1, 0], &[1, 3, 3, 0, 2]] {
        let mut board = StatusBoard::default();
        for index in order {
            board.take(&heard[*index], NOW);
        }
        assert_eq!(board.own_mark(), Some(ReadMark { turn: 1, seq: 6 }), "order {order:?}");
        assert!(board.read(0).is_empty(), "no receipt");
        // It outlasts the devices that said so, and epochs.
        board.enter_epoch(&Roster::default());
        board.take(&seen(at(6).of_account(&ADA), 2, &marked(20, read(9)), at(6).of_account(&ADA)), NOW);
        assert_eq!(board.own_mark(), Some(ReadMark { turn: 1, seq: 6 }), "a device that had not heard");
    }
}

#[test]
fn a_mark_opens_for_the_devices_of_its_account_alone() {
    let status = marked(1, read(7));
    let mine = at(5).of_account(&ADA);
    assert_eq!(seen(mine, 0, &status, mine).status.own_mark, Some(read(7)));
    for reader in [at(5), at(5).of_account(&BOB)] {
        let found = seen(mine, 0, &status, reader).status;
        assert_eq!(found, Status { own_mark: None, ..status }, "the rest is read all the same");
    }
    let guest = seen(at(5), 0, &status, mine).status;
    assert_eq!(guest.own_mark, None, "a device without a vault key has written random bytes");
}

#[test]
fn members_cannot_tell_a_mark_from_none() {
    // What a member sees is the 28 bytes: as long, as random, and never twice the same, whatever is in them.
    let bytes = |vault: Option<&'static VaultKey>, status: &Status| {
        let registers = vault.map_or(at(5), |vault| at(5).of_account(vault));
        let write = registers.seal(&device(0), 0, status).unwrap();
        plain_of(&write)
    };
    let none = Status::new(1, Chain { seq: 9, hash: [3; 32] });
    let cases = [(Some(&ADA), marked(1, read(7))), (Some(&ADA), none), (None, none)];
    let mut seen = std::collections::BTreeSet::new();
    let mut length = std::collections::BTreeSet::new();
    for (vault, status) in cases {
        let mut ones = 0;
        for _ in 0..200 {
            let plain = bytes(vault, &status);
            length.insert(usize::from(u16::from_be_bytes([plain[0], plain[1]])));
            let end = 2 + 64 + usize::from(u16::from_be_bytes([plain[0], plain[1]]));
            let mark = plain[end - OWN_MARK_BYTES..end].to_vec();
            ones += mark.iter().map(|byte| byte.count_ones()).sum::<u32>();
            assert!(seen.insert(mark), "the same bytes twice");
        }
        // 44,800 fair bits: 22,400 in the mean, with a deviation of 106.
        assert!(ones.abs_diff(22_400) < 700, "{ones} ones");
    }
    assert_eq!(length.len(), 1, "what is on changes the length inside, what is marked does not");
}

#[test]
fn a_mark_counts_in_the_write_that_it_was_made_for() {
    let write = at(5).of_account(&ADA).seal(&device(0), 0, &marked(1, read(7))).unwrap();
    let plain = plain_of(&write);
    let end = 2 + 64 + usize::from(u16::from_be_bytes([plain[0], plain[1]]));
    let copied: [u8; OWN_MARK_BYTES] = plain[end - OWN_MARK_BYTES..end].try_into().unwrap();
    let salt: [u8; 16] = write.value[9..25].try_into().unwrap();
    let place = Place { room: ROOM, register: &write.register, salt: &salt };
    assert_eq!(place.open(&ADA, &copied), Ok(Some(read(7))));
    // A member copies it into their own status, with its salt.
    let status = Status::new(1, Chain { seq: 9, hash: [3; 32] });
    let forged = at(5).seal_given(&device(2), 2, &status, salt, copied).unwrap();
    let found = at(5).of_account(&ADA).open(&roster(), &forged.register, &forged.value).unwrap();
    assert_eq!(found.status.own_mark, None);
    // Another room, another write.
    let rooms = [Place { room: RoomId::new([9; 16]), ..place }, Place { salt: &[0; 16], ..place }];
    assert!(rooms.iter().all(|place| place.open(&ADA, &copied) == Ok(None)));
    assert_eq!(place.open(&BOB, &copied), Ok(None));
}

#[test]
fn a_mark_rises_with_reading_and_falls_by_a_persons_wish_alone() {
    let mark = ReadMark::default().read(7);
    assert_eq!((mark.read(3), mark.read(9).seq), (mark, 9));
    let again = mark.unread_after(5);
    assert!(again > mark && again > mark.read(100) && again.seq == 5);
    assert_eq!(format!("{mark:?}"), "ReadMark(…)");
}

/// What a member can do with a value: open it.
fn plain_of(write: &StatusWrite) -> Vec<u8> {
    use crate::{entry, kdf, labels};
    use aes_gcm::aead::{Aead as _, Payload};
    let (header, sealed) = write.value.split_at(25);
    let parts = [ROOM.as_bytes(), &write.register[..], &header[9..]];
    let okm = kdf::expand::<44>(SECRET.seed(), labels::expand::STATUS, &parts).unwrap();
    let (cipher, nonce) = entry::split_key_and_nonce(&okm).unwrap();
    let aad = [header, &write.register, ROOM.as_bytes()].concat();
    cipher.decrypt(&nonce, Payload { msg: sealed, aad: &aad }).unwrap()
}
