//! Roles, and who may do what: part of the room state.

use crate::identity::AccountId;
use minicbor::{Decode, Encode};

/// What an account is in a room. Each may do what those below may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Anyone in the room.
    #[n(0)]
    Member,
    /// Made so by the owner.
    #[n(1)]
    Admin,
    /// One account.
    #[n(2)]
    Owner,
}

/// The least role that may do a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Permissions {
    /// Open invites.
    #[n(0)]
    pub invite: Role,
    /// Remove members of a lower role.
    #[n(1)]
    pub remove: Role,
    /// Change name, topic and avatar.
    #[n(2)]
    pub rename: Role,
    /// Pin messages.
    #[n(3)]
    pub pin: Role,
    /// Delete others' messages.
    #[n(4)]
    pub delete: Role,
    /// Say something.
    #[n(5)]
    pub post: Role,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            invite: Role::Member,
            remove: Role::Admin,
            rename: Role::Admin,
            pin: Role::Member,
            delete: Role::Admin,
            post: Role::Member,
        }
    }
}

/// Who has which role, and what roles may: what is needed to judge what is said in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Authority {
    /// The owner.
    #[n(0)]
    pub owner: AccountId,
    /// The admins, in order, without the owner.
    #[n(1)]
    pub admins: Vec<AccountId>,
    /// What roles may.
    #[n(2)]
    pub permissions: Permissions,
    /// Who may post though the role may not, in order.
    #[n(3)]
    pub speakers: Vec<AccountId>,
}

impl Authority {
    /// Whether an account may say something.
    #[must_use]
    pub fn may_post(&self, account: &AccountId) -> bool {
        self.role_of(account) >= self.permissions.post || self.speakers.contains(account)
    }

    /// An account's role.
    #[must_use]
    pub fn role_of(&self, account: &AccountId) -> Role {
        if *account == self.owner {
            Role::Owner
        } else if self.admins.contains(account) {
            Role::Admin
        } else {
            Role::Member
        }
    }
}
