//! A room as the user interface sees it.

use super::{OwnInvite, RoomSlot};
use crate::{
    address::RelayAddress,
    api::{InviteView, MemberView, OutboxView, RoomView},
    names::NameBook,
};
use sotto_crypto::{identity::AccountId, message::Content, room::Suite};
use std::collections::BTreeMap;

impl RoomSlot {
    /// The room in the list.
    pub fn view(&self, is_caught_up: bool) -> RoomView {
        RoomView {
            id: self.room.id(),
            name: self.room.state().name.clone(),
            tag: None,
            member_count: self.members().len(),
            is_post_quantum: self.room.suite() == Suite::Hybrid,
            is_caught_up,
            alarm: self.record.alarm,
            head_seq: self.cursor.chain.seq,
        }
    }

    /// The people in the room, by name; I come first.
    pub fn members(&self) -> Vec<MemberView> {
        let me = self.own_account();
        let owner = self.room.state().owner;
        let names = self.names();
        let mut members: BTreeMap<AccountId, MemberView> = BTreeMap::new();
        for (_, entry) in self.room.roster().iter() {
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

    /// Every name by which somebody is or was seen here.
    pub fn names(&self) -> NameBook {
        let mut names = NameBook::default();
        let epochs = self.record.epochs.values();
        let entries = epochs.flat_map(|epoch| epoch.change.0.values().flatten());
        let entries = entries.chain(self.record.roster.iter().map(|(_, entry)| entry));
        for entry in entries.chain(self.room.roster().iter().map(|(_, entry)| entry)) {
            names.add(*entry.account.as_bytes(), &entry.display_name);
        }
        for (account, name) in self.record.past_names.iter() {
            names.add(*account.as_bytes(), name);
        }
        names
    }

    /// My open invites, the newest first.
    pub fn invites(&self, relay: &RelayAddress) -> Vec<InviteView> {
        self.record.invites.iter().rev().filter_map(|invite| self.invite_view(invite, relay)).collect()
    }

    /// One of my invites.
    pub fn invite_view(&self, invite: &OwnInvite, relay: &RelayAddress) -> Option<InviteView> {
        let id = invite.link.door().ok()?;
        let spent = self.room.state().invite(&id).map_or(0, |state| state.spent);
        let uses = u32::try_from(self.room.roster().accounts_via(&id)).unwrap_or(u32::MAX);
        Some(InviteView {
            id: *id.as_bytes(),
            link: relay.link(&invite.link),
            max_uses: invite.max_uses,
            uses: uses.saturating_add(spent),
        })
    }

    /// Messages that wait, in the order in which they were written.
    pub fn outbox_view(&self) -> Vec<OutboxView> {
        let view = |record: &super::OutboxRecord| {
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
        self.outbox.values().map(view).collect()
    }
}
