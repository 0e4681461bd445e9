//! Why a commit is not allowed.

/// The first rule that a commit breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A member's commit that came through a door, or a newcomer's that did not.
    #[error("it did not come the way that commits of its kind come")]
    EntryKind,
    /// Other proposals than the allowed ones.
    #[error("it has a proposal of a kind that rooms do not use")]
    ProposalKind,
    /// No new path secrets.
    #[error("it has no update path")]
    NoPath,
    /// The leaf's certificate is not valid, or its extension is malformed.
    #[error("the committer's leaf is not valid")]
    InvalidLeaf,
    /// The path has a key that cannot be encrypted to.
    #[error("its update path has a key that is not valid")]
    InvalidPath,
    /// Its authenticated data is malformed, or names another time before than the room's.
    #[error("it does not fit what was in the room before")]
    CommitData,
    /// A member's commit gives its leaf to someone else.
    #[error("the committer changed who it is")]
    LeafChangedHands,
    /// The certificate is of an earlier generation, or another recovery key of the same one.
    #[error("the committer's recovery key is not its account's latest")]
    Generation,
    /// The certificate was made before the account removed a device, or has another list of the same version.
    #[error("the committer's certificate is not of its account's latest list of devices")]
    DeviceList,
    /// The leaf's door is one that somebody else has.
    #[error("the committer's door is taken")]
    DoorTaken,
    /// Someone is removed who may not be.
    #[error("it removes someone who may not be removed")]
    Removal,
    /// The statement of whoever leaves does not fit.
    #[error("whoever is removed did not sign that they leave")]
    LeaveStatement,
    /// The new state is malformed or past a limit.
    #[error("the new room state is not valid")]
    InvalidState,
    /// The account did not sign that its device is removed.
    #[error("the account did not sign that its device is removed")]
    DeviceRemoval,
    /// The state changes in a way that this member may not.
    #[error("the committer may not change the room so")]
    StateChange,
    /// The room is closed.
    #[error("the room is closed")]
    RoomClosed,
    /// The joiner names no open invite.
    #[error("the invite is not open")]
    InviteNotOpen,
    /// The joiner's proof does not verify.
    #[error("the invite did not sign this joiner")]
    JoinProof,
    /// The invite is used up.
    #[error("the invite is used up")]
    InviteUsedUp,
    /// The invite is for another account.
    #[error("the invite is for someone else")]
    InviteForAnother,
    /// The joiner's account is in the room with another device.
    #[error("this account is in the room already")]
    AccountPresent,
    /// The account's door is not open to this device.
    #[error("the account's door is not open to this device")]
    AccountDoor,
    /// The account has as many devices here as it may.
    #[error("this account has too many devices in the room")]
    TooManyDevices,
    /// The joiner's device was revoked.
    #[error("this device was revoked")]
    DeviceRevoked,
    /// A rewind is not signed by who may.
    #[error("the rewind is not signed by who may")]
    Rewind,
    /// The room is full.
    #[error("the room is full")]
    RoomFull,
}
