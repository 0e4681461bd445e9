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
    if is_speech(content) && !authority.may_post(sender) {
        return Err(Refusal::NeedsRole(authority.permissions.post));
    }
    match content {
        Content::Edit(edit) if !is_author(&edit.target) => Err(Refusal::NotAuthor),
        Content::Delete(delete) if !is_author(&delete.target) => needs(authority.permissions.delete),
        Content::Purge(purge) if !is_author(&purge.target) => Err(Refusal::NotAuthor),
        Content::PollClose(close) if !is_author(&close.target) => needs(authority.permissions.delete),
        Content::Pin(_) => needs(authority.permissions.pin),
        _ => Ok(()),
    }
}

/// Whether it puts something before everybody. Where not all may post, all still react, vote, take their own words back, and leave.
const fn is_speech(content: &Content) -> bool {
    match content {
        Content::Text(_)
        | Content::Edit(_)
        | Content::Attachment(_)
        | Content::Sticker(_)
        | Content::Poll(_)
        | Content::Pin(_)
        | Content::Stream(_)
        | Content::System(_)
        | Content::Unknown(_)
        | Content::Unreadable => true,
        Content::Delete(_) | Content::Reaction(_) | Content::Vote(_) | Content::Leave(_) => false,
        Content::Purge(_) | Content::PollClose(_) | Content::Consent(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::content::{Consent, Delete, Edit, Pin, PollClose, Purge, Reaction, Vote},
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
            Authority { owner: OWNER, admins: vec![ADMIN], permissions, speakers: vec![] }
        };
        let authority = rules(Role::Admin, Role::Owner);
        let target = Target { account: ADA, id: [0; 16] };
        let edit = Content::Edit(Edit { target, text: String::new(), mentions: vec![], more: None });
        let delete = Content::Delete(Delete { target });
        let pin = Content::Pin(Pin { target, unpin: false });
        let reaction = Content::Reaction(Reaction { target, emoji: String::new(), remove: false });
        let vote = Content::Vote(Vote { target, choices: vec![] });
        let purge = Content::Purge(Purge { target });
        let close = Content::PollClose(PollClose { target });
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
            (&purge, ADA, Ok(())),
            (&purge, BOB, Err(Refusal::NotAuthor)),
            (&purge, OWNER, Err(Refusal::NotAuthor)),
            (&close, ADA, Ok(())),
            (&close, OWNER, Ok(())),
            (&close, BOB, Err(Refusal::NeedsRole(Role::Owner))),
        ];
        for (content, sender, expected) in cases {
            assert_eq!(judge(&authority, &sender, content), expected, "{content:?} by {sender:?}");
        }
        let open = rules(Role::Member, Role::Member);
        assert_eq!((judge(&open, &BOB, &pin), judge(&open, &BOB, &delete)), (Ok(()), Ok(())));
        assert_eq!(judge(&open, &BOB, &edit), Err(Refusal::NotAuthor), "no rule lets one speak for another");
    }

    #[test]
    fn where_not_all_may_post_the_others_react_vote_and_take_back() {
        let permissions = Permissions { post: Role::Admin, ..Permissions::default() };
        let authority = Authority { owner: OWNER, admins: vec![ADMIN], permissions, speakers: vec![ADA] };
        let target = Target { account: BOB, id: [0; 16] };
        let edit = Content::Edit(Edit { target, text: String::new(), mentions: vec![], more: None });
        let silent = [
            Content::Reaction(Reaction { target, emoji: String::new(), remove: false }),
            Content::Vote(Vote { target, choices: vec![] }),
            Content::Delete(Delete { target }),
            Content::Purge(Purge { target }),
            Content::PollClose(PollClose { target }),
            Content::Consent(Consent { purpose: 1, withdraw: true }),
        ];
        for (sender, may) in [(OWNER, true), (ADMIN, true), (ADA, true), (BOB, false)] {
            let expected = if may { Ok(()) } else { Err(Refusal::NeedsRole(Role::Admin)) };
            assert_eq!(judge(&authority, &sender, &Content::text("News")), expected, "{sender:?}");
            assert_eq!(judge(&authority, &sender, &Content::Unknown(99)), expected, "{sender:?}");
        }
        assert_eq!(
            judge(&authority, &BOB, &edit),
            Err(Refusal::NeedsRole(Role::Admin)),
            "not by an edit either"
        );
        for content in silent {
            assert_eq!(judge(&authority, &BOB, &content), Ok(()), "{content:?}");
        }
    }
}
