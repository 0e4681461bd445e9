//! Who may do what to a message. Judged by the sender, the message's identity and the room's rules at the entry's place in
//! the log: by nothing that two members could see differently.

use super::content::{Content, Target};
use crate::{
    identity::AccountId,
    room::{Authority, Role},
};

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

/// Whether `sender` may say `content` where these roles hold. The author of the message it acts on is part of that message's
/// identity, so the message itself is not needed.
///
/// # Errors
/// [`Refusal::NotAuthor`] or [`Refusal::NeedsRole`].
pub fn judge(authority: &Authority, sender: &AccountId, content: &Content) -> Result<(), Refusal> {
    let is_author = |target: &Target| target.account == *sender;
    let needs = |role: Role| {
        let is_enough = authority.role_of(sender) >= role;
        is_enough.then_some(()).ok_or(Refusal::NeedsRole(role))
    };
    match content {
        Content::Edit(edit) if !is_author(&edit.target) => Err(Refusal::NotAuthor),
        Content::Delete(delete) if !is_author(&delete.target) => needs(authority.permissions.delete),
        Content::Pin(_) => needs(authority.permissions.pin),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::content::{Delete, Edit, Pin, Reaction, Vote},
        room::Permissions,
    };

    const OWNER: AccountId = AccountId::new([1; 16]);
    const ADMIN: AccountId = AccountId::new([2; 16]);
    const ADA: AccountId = AccountId::new([3; 16]);
    const BOB: AccountId = AccountId::new([4; 16]);

    #[test]
    fn each_rule_lets_some_do_it_and_refuses_others() {
        let rules = |pin, delete| {
            let permissions = Permissions { pin, delete, ..Permissions::default() };
            Authority { owner: OWNER, admins: vec![ADMIN], permissions }
        };
        let authority = rules(Role::Admin, Role::Owner);
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
            assert_eq!(judge(&authority, &sender, content), expected, "{content:?} by {sender:?}");
        }
        let open = rules(Role::Member, Role::Member);
        assert_eq!((judge(&open, &BOB, &pin), judge(&open, &BOB, &delete)), (Ok(()), Ok(())));
        assert_eq!(judge(&open, &BOB, &edit), Err(Refusal::NotAuthor), "no rule lets one speak for another");
    }
}
