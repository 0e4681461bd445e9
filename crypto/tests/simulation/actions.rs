//! What can happen in the world, as small values that shrink.
//!
//! Whoever acts is chosen among those who are there when the action's turn comes, so that every sequence means something and
//! a shortened one still does.

use proptest::{collection::vec, option, prelude::*, sample::Index};
use sotto_crypto::room::{Permissions, Role};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does the answer.
    Arrives,
    /// It is made, and the process dies before it is stored.
    DiesUnstored,
    /// It is stored, and the process dies before it is sent.
    DiesUnsent,
    /// It is lost on the way.
    IsLost,
    /// It arrives, and the answer is lost.
    AnswerIsLost,
    /// It arrives, and the process dies.
    DiesSent,
    /// It arrives twice.
    ArrivesTwice,
}

/// A change, by whom it is asked for.
#[derive(Debug, Clone)]
pub enum Wish {
    Invite {
        max: Option<u32>,
        only: Option<Index>,
        expires: bool,
    },
    CloseInvite(Index),
    Rename(u8),
    Topic(u8),
    Role(Index, Role),
    Permissions(Permissions),
    Timer(Option<u32>),
    Share(bool),
    TakeOver,
    Close,
    Reopen,
    RemoveMember(Index),
    RemoveDevice(Index),
    Rotate,
    Renew {
        keys: bool,
        recovery: bool,
    },
    /// A statement that a device leaves, signed some time ago.
    OldLeave(Index),
}

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Action {
    /// Somebody comes in by an invite, perhaps one that is closed, used up or for another.
    Join { account: Index, invite: Index, fate: Fate },
    /// A further device comes in by its account's door, or one that is there heals.
    Return { account: Index, device: Index, fate: Fate },
    /// A member wants a change, perhaps before having caught up.
    Commit { by: Index, wish: Wish, fate: Fate, is_late: bool },
    /// Two commit from the same epoch.
    Race { one: Index, other: Index, wishes: [Wish; 2] },
    /// A member says something; `twice`: two processes of the device seal the same message.
    Say { by: Index, fate: Fate, twice: bool },
    /// A device signs that it leaves, alone or with its account, and another commits it.
    Leave { who: Index, by: Index, whole: bool },
    /// A device catches up, sends what waits, and catches up.
    Sync(Index),
    /// A device follows some handshakes and dies before it has stored them.
    Die(Index, usize),
    /// Somebody passes any entry of the log to a device again, or too early, or changed, or with another access key.
    Replay { to: Index, entry: Index, flip: Option<Index>, lies: bool },
    /// A join that was lost on the way arrives; where none was, one is made to be lost.
    Late(Index),
    /// The relay keeps a message from a device, or shows two the other way round.
    Fork { to: Index, by: Index, is_swapped: bool },
    /// A handshake that is not good, or not believed to be: some follow it, then it is voided, or confirmed.
    Wedge { bad: Bad, by: Index, who: Index, followers: u8, is_confirmed: bool },
    /// Owner or an admin voids what others have followed, so many epochs back.
    Attack { by: Index, back: u64 },
    /// The relay damages what it holds.
    Damage { by: Index, what: Damage, place: Index },
    /// An account loses every device; a new one reads what it may.
    Lose(Index),
    /// Somebody copies a device's storage.
    Steal(Index),
}

/// What is voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// A join with which nothing is wrong.
    Join,
    /// Garbage that came through a door.
    GarbageAtDoor,
    /// A member's commit with which nothing is wrong.
    Commit,
    /// A member's garbage.
    Garbage,
}

impl Bad {
    pub const fn is_join(self) -> bool {
        matches!(self, Self::Join | Self::GarbageAtDoor)
    }

    pub const fn is_good(self) -> bool {
        matches!(self, Self::Join | Self::Commit)
    }
}

/// What the relay damages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    Card,
    Door,
    NoDoor,
    Capsule,
    Wrap,
    NoWrap,
    /// The history link is lost.
    Link,
}

pub fn actions(most: usize) -> impl Strategy<Value = Vec<Action>> {
    vec(action(), most / 2..=most)
}

fn action() -> impl Strategy<Value = Action> {
    let index = any::<Index>;
    prop_oneof![
        8 => (index(), index(), fate()).prop_map(|(account, invite, fate)| Action::Join { account, invite, fate }),
        5 => (index(), index(), fate()).prop_map(|(account, device, fate)| Action::Return { account, device, fate }),
        16 => (index(), wish(), fate(), prop::bool::weighted(0.15))
            .prop_map(|(by, wish, fate, is_late)| Action::Commit { by, wish, fate, is_late }),
        2 => (index(), index(), wish(), wish())
            .prop_map(|(one, other, a, b)| Action::Race { one, other, wishes: [a, b] }),
        6 => (index(), fate(), prop::bool::weighted(0.2))
            .prop_map(|(by, fate, twice)| Action::Say { by, fate, twice }),
        2 => (index(), index(), any::<bool>()).prop_map(|(who, by, whole)| Action::Leave { who, by, whole }),
        3 => index().prop_map(Action::Sync),
        1 => (index(), 1..4_usize).prop_map(|(who, most)| Action::Die(who, most)),
        3 => (index(), index(), option::weighted(0.3, index()), any::<bool>())
            .prop_map(|(to, entry, flip, lies)| Action::Replay { to, entry, flip, lies }),
        1 => index().prop_map(Action::Lose),
        1 => index().prop_map(Action::Steal),
        3 => index().prop_map(Action::Late),
        2 => (index(), index(), any::<bool>())
            .prop_map(|(to, by, is_swapped)| Action::Fork { to, by, is_swapped }),
        4 => (bad(), index(), index(), any::<u8>(), prop::bool::weighted(0.4)).prop_map(|(bad, by, who, followers, is_confirmed)| {
            Action::Wedge { bad, by, who, followers, is_confirmed }
        }),
        2 => (index(), 0..4_u64).prop_map(|(by, back)| Action::Attack { by, back }),
        2 => (index(), damage(), index()).prop_map(|(by, what, place)| Action::Damage { by, what, place }),
    ]
}

fn bad() -> impl Strategy<Value = Bad> {
    prop_oneof![
        4 => Just(Bad::Join),
        2 => Just(Bad::GarbageAtDoor),
        1 => Just(Bad::Commit),
        2 => Just(Bad::Garbage),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop::sample::select(vec![
        Damage::Card,
        Damage::Door,
        Damage::NoDoor,
        Damage::Capsule,
        Damage::Wrap,
        Damage::NoWrap,
        Damage::Link,
    ])
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Arrives),
        1 => Just(Fate::DiesUnstored),
        2 => Just(Fate::DiesUnsent),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::AnswerIsLost),
        1 => Just(Fate::DiesSent),
        1 => Just(Fate::ArrivesTwice),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let index = any::<Index>;
    prop_oneof![
        6 => (option::weighted(0.6, 1..3_u32), option::weighted(0.2, index()), prop::bool::weighted(0.2))
            .prop_map(|(max, only, expires)| Wish::Invite { max, only, expires }),
        2 => index().prop_map(Wish::CloseInvite),
        1 => (0..4_u8).prop_map(Wish::Rename),
        1 => (0..3_u8).prop_map(Wish::Topic),
        6 => (index(), role()).prop_map(|(account, role)| Wish::Role(account, role)),
        1 => [(); 6].map(|()| role()).prop_map(|[invite, remove, rename, pin, delete, post]| {
            Wish::Permissions(Permissions { invite, remove, rename, pin, delete, post })
        }),
        3 => prop_oneof![3 => Just(None), 1 => Just(Some(30)), 3 => Just(Some(3600))].prop_map(Wish::Timer),
        4 => prop::bool::weighted(0.7).prop_map(Wish::Share),
        1 => Just(Wish::TakeOver),
        1 => Just(Wish::Close),
        2 => Just(Wish::Reopen),
        9 => index().prop_map(Wish::RemoveMember),
        9 => index().prop_map(Wish::RemoveDevice),
        3 => Just(Wish::Rotate),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(keys, recovery)| Wish::Renew { keys, recovery }),
        1 => index().prop_map(Wish::OldLeave),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)]
}
