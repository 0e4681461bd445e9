//! Every kind of secret there is: wiped when dropped, never shown, and listed in `docs/PROTOCOL.md`, "Every secret".

use crate::{
    AccessKey, AdminKey, DeviceKey, JoinKey, Secret, StorageKey,
    account::{DoorKey, PasswordKey, RecoveryKey, SessionKey, VaultKey},
    attachment::AttachmentKey,
    identity::IdentityKey,
    link::InviteSecret,
    room::{AccessSeed, HandshakeSecret, JoinSeed, MessageSecret, StatusKey, WrapSecret},
    sign::InviteKey,
};
use zeroize::ZeroizeOnDrop;

/// What all secrets here are made of: its hexadecimal, decimal and letters must not turn up.
const BYTES: [u8; 32] = *b"AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH";

/// The kinds that are made of 32 bytes, with what their `Debug` gives.
fn shown() -> Vec<(&'static str, String)> {
    let secret = || Secret::new(BYTES);
    macro_rules! kinds {
        ($($make:path => $name:literal),* $(,)?) => {
            vec![$(($name, format!("{:?}", $make(secret())))),*]
        };
    }
    macro_rules! signing {
        ($($kind:ident),*) => { vec![$((stringify!($kind), format!("{:?}", $kind::from_seed(&secret())))),*] };
    }
    let mut all = kinds![
        MessageSecret::from_seed => "MessageSecret",
        HandshakeSecret::from_seed => "HandshakeSecret",
        AccessSeed::from_seed => "AccessSeed",
        JoinSeed::from_seed => "JoinSeed",
        StatusKey::from_seed => "StatusKey",
        WrapSecret::from_seed => "WrapSecret",
        InviteSecret::from_seed => "InviteSecret",
        AttachmentKey::from_seed => "AttachmentKey",
        VaultKey::from_seed => "VaultKey",
        DoorKey::from_seed => "DoorKey",
        RecoveryKey::from_seed => "RecoveryKey",
    ];
    all.extend(signing![IdentityKey, DeviceKey, InviteKey, AccessKey, JoinKey, AdminKey]);
    all
}

#[test]
fn no_kind_of_secret_shows_itself() {
    for (name, shown) in shown() {
        assert_eq!(shown, format!("{name}(…)"));
    }
    let others = [format!("{:?}", Secret::new(BYTES)), format!("{:?}", StorageKey::new(Secret::new(BYTES)))];
    for shown in others {
        for trace in ["AAAA", "4141", "65, 65", "QUFB"] {
            assert!(!shown.contains(trace), "{shown}");
        }
    }
}

#[test]
fn each_kind_of_secret_is_wiped_when_dropped() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    macro_rules! check {
        ($($kind:ty),*) => { $(is_wiped::<$kind>();)* };
    }
    check!(Secret, MessageSecret, HandshakeSecret, AccessSeed, JoinSeed, StatusKey, WrapSecret);
    check!(InviteSecret, AttachmentKey, VaultKey, DoorKey, RecoveryKey);
    check!(IdentityKey, DeviceKey, InviteKey, AccessKey, JoinKey, AdminKey);
    check!(zeroize::Zeroizing<Vec<u8>>, zeroize::Zeroizing<[u8; 32]>);
    // Kinds that hold one of these, or a wiped buffer.
    assert!(core::mem::needs_drop::<(StorageKey, PasswordKey, SessionKey)>());
}

#[test]
fn the_table_of_secrets_names_every_kind() {
    let protocol = include_str!("../../docs/PROTOCOL.md");
    let (_, table) = protocol.split_once("## Every secret").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let more =
        ["StorageKey", "Password", "PasswordKey", "RecoveryCode", "SessionKey", "CardKey", "CapsuleKey"];
    let names = shown().into_iter().map(|(name, _)| name).chain(more).chain(["HistoryKey"]);
    for name in names {
        assert!(table.contains(&format!("`{name}`")), "{name} is missing in the table");
    }
}

#[test]
fn what_is_said_and_what_people_and_rooms_are_called_is_not_shown() {
    use crate::{identity::CertificateRequest, message::Draft, room::RoomChange};
    let word = "Geheimwort";
    let request = CertificateRequest {
        device_key: [0; 32],
        recovery_key_hash: None,
        display_name: word,
        generation: 0,
        not_before_ms: 0,
        operator: None,
        devices: None,
    };
    let room = sotto_protocol::RoomId::new([0; 16]);
    let chain = sotto_protocol::Chain::start(&room);
    let draft = Draft { leaf: 0, id: [0; 16], sent_at_ms: 0, chain, content: word.as_bytes() };
    let shown = [
        format!("{request:?}"),
        format!("{draft:?}"),
        format!("{:?}", RoomChange::Rename(word.into())),
        format!("{:?}", RoomChange::SetTopic(word.into())),
        format!("{:?}", RoomChange::SetAvatar(Some(word.into()))),
    ];
    let bytes = format!("{:?}", word.as_bytes());
    for text in shown {
        assert!(!text.contains(word) && !text.contains(bytes.trim_matches(['[', ']'])), "{text}");
    }
}
