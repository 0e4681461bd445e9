//! Who may do what to a message. Judged by the sender, the message's identity and the room's rules at the entry's place in
//! the log: by nothing that two members could see differently.

use super::content::{Content, Target};
use crate::identity::AccountId;
use minicbor::{Decode, Encode};

/// What somebody is in a room. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// In the room.
    #[default]
    #[n(0)]
    Member,
    /// Made so by the owner.
    #[n(1)]
    Admin,
    /// Whose room it is.
    #[n(2)]
    Owner,
}

/// A room's rules about messages, at some place in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Whose room it is.
    pub owner: AccountId,
    /// Who else may administer it.
    pub admins: Vec<AccountId>,
    /// Who may pin, and let go of pins.
    pub pin: Role,
    /// Who may delete what others said.
    pub delete: Role,
}

/// Why somebody may not do what they tried, or why it makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Only its author may change a message.
    #[error("only its author may change a message")]
    NotAuthor,
    /// It takes a higher role.
    #[error("it takes a higher role")]
    NeedsRole(Role),
    /// A streamed text is continued by the device that began it, and by no other.
    #[error("another device began this text")]
    OtherDevice,
    /// The message is not of a kind to which this can be done.
    #[error("this cannot be done to such a message")]
    WrongKind,
    /// The poll has no such option, or asks for one.
    #[error("the poll has no such choice")]
    NoSuchChoice,
}

impl Authority {
    /// What an account is in the room. Whoever is not named is a member.
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

    /// Whether `sender` may say `content`. The author of the message it acts on is part of that message's identity, so the
    /// message itself is not needed.
    ///
    /// # Errors
    /// [`Refusal::NotAuthor`] or [`Refusal::NeedsRole`].
    pub fn judge(&self, sender: &AccountId, content: &Content) -> Result<(), Refusal> {
        let is_author = |target: &Target| target.account == *sender;
        let needs =
            |role: Role| if self.role_of(sender) < role { Err(Refusal::NeedsRole(role)) } else { Ok(()) };
        match content {
            Content::Edit(edit) if !is_author(&edit.target) => Err(Refusal::NotAuthor),
            Content::Delete(delete) if !is_author(&delete.target) => needs(self.delete),
            Content::Pin(_) => needs(self.pin),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::content::{Delete, Edit, Pin, Reaction, Vote};

    const OWNER: AccountId = AccountId::new([1; 16]);
    const ADMIN: AccountId = AccountId::new([2; 16]);
    const ADA: AccountId = AccountId::new([3; 16]);
    const BOB: AccountId = AccountId::new([4; 16]);

    #[test]
    fn each_rule_lets_some_do_it_and_refuses_others() {
        let authority =
            Authority { owner: OWNER, admins: vec![ADMIN], pin: Role::Admin, delete: Role::Owner };
        let target = Target { account: ADA, id: [0; 16] };
        let edit = Content::Edit(Edit { target, text: String::new(), mentions: vec![] });
        let delete = Content::Delete(Delete { target });
        let pin = Content::Pin(Pin { target, unpin: false });
        let reaction = Content::Reaction(Reaction { target, emoji: String::new(), remove: false });
        let vote = Content::Vote(Vote { target, choices: vec![] });
        let cases = [
            (&edit, ADA, Ok(())),
            (&edit, BOB, Err(Refusal::NotAuthor)),
            (&edit, OWNER, Err(Refusal::NotAuthor)),
            (&delete, ADA, Ok(())),
            (&delete, OWNER, Ok(())),
            (&delete, ADMIN, Err(Refusal::NeedsRole(Role::Owner))),
            (&delete, BOB, Err(Refusal::NeedsRole(Role::Owner))),
            (&pin, OWNER, Ok(())),
            (&pin, ADMIN, Ok(())),
            (&pin, ADA, Err(Refusal::NeedsRole(Role::Admin))),
            (&reaction, BOB, Ok(())),
            (&vote, BOB, Ok(())),
        ];
        for (content, sender, expected) in cases {
            assert_eq!(authority.judge(&sender, content), expected, "{content:?} by {sender:?}");
        }
        let open = Authority { pin: Role::Member, delete: Role::Member, ..authority };
        assert_eq!((open.judge(&BOB, &pin), open.judge(&BOB, &delete)), (Ok(()), Ok(())));
        assert_eq!(open.judge(&BOB, &edit), Err(Refusal::NotAuthor), "no rule lets one speak for another");
    }

    #[test]
    fn roles_are_ordered_and_keep_their_numbers() {
        assert!(Role::Member < Role::Admin && Role::Admin < Role::Owner);
        for (role, byte) in [(Role::Member, 0), (Role::Admin, 1), (Role::Owner, 2)] {
            assert_eq!(sotto_protocol::encode(&role), [byte]);
        }
    }
}
