//! A room as the user interface sees it.

use super::{OutboxRecord, OwnInvite, RoomSlot};
use crate::{
    address::RelayAddress,
    api::{InviteView, MemberView, OutboxView, RoomView},
    names::{NameBook, PastNames},
};
use sotto_crypto::{
    identity::AccountId,
    message::Content,
    room::{Invite, InviteId, Role, Roster, RosterEntry, Suite},
};
use std::collections::{BTreeMap, BTreeSet};

impl RoomSlot {
    /// The room in the list.
    pub fn view(&self, is_caught_up: bool) -> RoomView {
        RoomView {
            id: self.room.id(),
            name: self.room.state().name.clone(),
            tag: None,
            member_count: people_in(self.room.roster()),
            is_post_quantum: self.room.suite() == Suite::Hybrid,
            is_caught_up,
            alarms: self.record.alarms.view(),
            head_seq: self.cursor.chain.seq,
            end: None,
        }
    }

    /// The people in the room, by name; I come first.
    pub fn members(&self) -> Vec<MemberView> {
        members_of(self.room.roster(), self.room.state().owner, self.own_account(), &self.names())
    }

    /// Every name by which a person is or was seen here.
    pub fn names(&self) -> NameBook {
        let epochs = self.record.epochs.values();
        let entries = epochs.flat_map(|epoch| epoch.change.0.values().flatten());
        let entries = entries.chain(self.record.roster.iter().map(|(_, entry)| entry));
        let entries = entries.chain(self.room.roster().iter().map(|(_, entry)| entry));
        names_of(entries, &self.record.past_names)
    }

    /// Everybody's invites that still let a person in, the newest first.
    pub fn invites(&self, relay: &RelayAddress, now_ms: u64) -> Vec<InviteView> {
        let roster = self.room.roster();
        let is_open = |invite: &&Invite| !invite.is_used_up(roster) && !invite.is_expired(now_ms);
        let open = self.room.state().invites.iter().rev().filter(is_open);
        let names = self.names();
        open.map(|invite| self.invite_view(invite, &names, relay)).collect()
    }

    /// One of my invites, once the room has it.
    pub fn own_invite(&self, id: &InviteId, relay: &RelayAddress) -> Option<InviteView> {
        let invite = self.room.state().invite(id)?;
        Some(self.invite_view(invite, &self.names(), relay)).filter(|view| view.link.is_some())
    }

    fn invite_view(&self, invite: &Invite, names: &NameBook, relay: &RelayAddress) -> InviteView {
        let is_it = |own: &&OwnInvite| own.link.door().is_ok_and(|door| door == invite.id);
        let name = self.name_of(&invite.inviter);
        let me = self.own_account();
        InviteView {
            id: *invite.id.as_bytes(),
            link: self.record.invites.iter().find(is_it).map(|own| relay.link(&own.link)),
            inviter: *invite.inviter.as_bytes(),
            inviter_name: name.map(str::to_owned),
            inviter_tag: name.and_then(|name| names.person_tag(invite.inviter.as_bytes(), name)),
            is_mine: me == Some(invite.inviter),
            may_revoke: me == Some(invite.inviter)
                || invite.expires_at_ms.is_some()
                || me.is_some_and(|me| self.room.state().role_of(&me) >= Role::Admin),
            max_uses: invite.max_uses,
            uses: u32::try_from(invite.uses(self.room.roster())).unwrap_or(u32::MAX),
            expires_at_ms: invite.expires_at_ms,
        }
    }

    /// An account's name, or its last one where it is gone.
    fn name_of(&self, account: &AccountId) -> Option<&str> {
        let here =
            self.room.roster().devices_of(account).map(|(_, entry)| entry.display_name.as_str()).next();
        here.or_else(|| self.record.past_names.last_of(account))
    }

    /// Messages that wait, in the order in which they were written.
    pub fn outbox_view(&self) -> Vec<OutboxView> {
        outbox_view(&self.outbox)
    }
}

/// The names of roster entries, and those of the past.
pub(super) fn names_of<'a>(entries: impl Iterator<Item = &'a RosterEntry>, past: &PastNames) -> NameBook {
    // Most entries say the same again, and a name's look is worked out at some cost.
    let entries = entries.map(|entry| (entry.account, entry.display_name.as_str()));
    let all: BTreeSet<(AccountId, &str)> =
        entries.chain(past.iter().map(|(account, name)| (*account, name))).collect();
    let mut names = NameBook::default();
    for (account, name) in all {
        names.add(*account.as_bytes(), name);
    }
    names
}

/// How many people have devices in a room.
pub(super) fn people_in(roster: &Roster) -> usize {
    roster.iter().map(|(_, entry)| entry.account).collect::<BTreeSet<_>>().len()
}

/// The people of a roster, by name; I come first.
pub(super) fn members_of(
    roster: &Roster,
    owner: AccountId,
    me: Option<AccountId>,
    names: &NameBook,
) -> Vec<MemberView> {
    let mut members: BTreeMap<AccountId, MemberView> = BTreeMap::new();
    for (_, entry) in roster.iter() {
        let member = members.entry(entry.account).or_insert_with(|| MemberView {
            account: *entry.account.as_bytes(),
            display_name: entry.display_name.clone(),
            fingerprint: entry.account.fingerprint(),
            tag: names.person_tag(entry.account.as_bytes(), &entry.display_name),
            device_count: 0,
            is_me: me == Some(entry.account),
            is_owner: owner == entry.account,
        });
        member.device_count += 1;
    }
    let mut members: Vec<_> = members.into_values().collect();
    members.sort_by_key(|member| (!member.is_me, member.display_name.to_lowercase(), member.account));
    members
}

/// What waits in an outbox, in the order in which it was written.
pub(super) fn outbox_view(outbox: &BTreeMap<u64, OutboxRecord>) -> Vec<OutboxView> {
    let view = |record: &OutboxRecord| {
        let text = match Content::decode(&record.content) {
            Ok(Content::Text(text)) => text.text,
            _ => String::new(),
        };
        OutboxView {
            id: record.id,
            text,
            sent_at_ms: record.sent_at_ms,
            is_acknowledged: record.acknowledged_seq.is_some(),
            has_failed: record.has_failed,
        }
    };
    outbox.values().map(view).collect()
}
