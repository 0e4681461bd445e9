//! What must hold, whatever happened: among members.

use crate::{
    actions::{Fate, Wish},
    client::Client,
    people::Who,
    rules::{Leaf, Rules},
    world::{Meant, World},
};
use sha2::{Digest as _, Sha256};
use sotto_crypto::{
    message::{self, conversation::Item},
    room::{History, HistoryReader, PastEpoch, Role, policy::revocation_hash},
};
use sotto_protocol::DoorId;
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// What holds after every step.
    pub fn check_step(&mut self) {
        self.check_late();
        let mut first_of: BTreeMap<u64, &Client> = BTreeMap::new();
        for client in self.clients.values().filter(|client| !client.is_gone()) {
            self.check_rules(client);
            match first_of.get(&client.room.epoch()) {
                None => {
                    first_of.insert(client.room.epoch(), client);
                }
                Some(other) => check_agreement(other, client),
            }
        }
        self.check_invites();
        self.check_doors();
        let caught_up = first_of.get(&self.relay.epoch).filter(|_| self.audited < self.relay.epoch);
        if let Some(client) = caught_up {
            self.check_publication(client);
            self.audited = self.relay.epoch;
        }
    }

    /// What holds once everybody has caught up.
    pub fn check_end(&mut self) {
        for _ in 0..2 {
            for who in self.clients.keys().copied().collect::<Vec<_>>() {
                if !self.clients[&who].is_gone() {
                    self.sync(who);
                }
            }
        }
        self.invite_once_more();
        self.check_step();
        for client in self.clients.values() {
            let is_member = self.now().devices.contains_key(&client.who);
            assert_eq!(client.is_gone(), !is_member, "{:?}", client.who);
            if is_member {
                assert_eq!(client.room.epoch(), self.relay.epoch);
                assert_eq!(client.notes.cursor.seq, self.relay.head(), "read to the end");
                assert!(client.notes.outbox.is_empty() && client.notes.pending.is_none());
            }
            self.check_timeline(client);
        }
        self.check_outsiders();
    }

    /// The room is what the second opinion says that it is.
    fn check_rules(&self, client: &Client) {
        let (room, rules) = (&client.room, self.at(client.room.epoch()));
        let state = room.state();
        let devices: BTreeMap<Who, Leaf> = room
            .roster()
            .iter()
            .map(|(_, entry)| {
                let who = self.who_has(&entry.device_key);
                let leaf = Leaf {
                    via: entry.via.map(|via| self.invite_number(&via)),
                    joined: entry.joined,
                    stay: entry.stay,
                    generation: usize::try_from(entry.generation).unwrap(),
                    keys: self.keys_of(who.account, &entry.door),
                };
                (who, leaf)
            })
            .collect();
        assert_eq!(devices, rules.devices, "who is there, as {:?} sees it", client.who);
        let account = |id| self.accounts.iter().position(|account| account.id == id).unwrap();
        let admins: BTreeSet<usize> = state.admins.iter().copied().map(account).collect();
        assert_eq!((account(state.owner), &admins), (rules.owner, &rules.admins), "roles");
        assert_eq!(state.permissions, rules.permissions);
        assert_eq!((&state.name, &state.topic), (&rules.name, &rules.topic));
        assert_eq!((state.timer_s, state.history == History::Shared), (rules.timer, rules.shared));
        assert_eq!(state.is_closed, rules.closed);
        assert_eq!(state.invites.len(), rules.invites.len());
        for invite in &state.invites {
            assert!(rules.invites[&self.invite_number(&invite.id)].is(self, invite));
        }
        let revoked: BTreeSet<[u8; 32]> = state.revoked.iter().map(|hash| **hash).collect();
        let expected = rules.revoked.iter();
        let expected =
            expected.map(|who| revocation_hash(&self.accounts[who.account].id, &self.device_key(*who)));
        let expected = expected.collect();
        assert_eq!(revoked, expected, "revoked devices");
        assert_eq!(state.suspended_doors.len(), rules.suspended.len());
        for (_, entry) in room.roster().iter() {
            let who = self.who_has(&entry.device_key);
            let hash = Sha256::new()
                .chain_update(b"sotto/1 suspended door")
                .chain_update(entry.account.as_bytes())
                .chain_update(entry.door_key_hash)
                .finalize();
            let is_suspended = state.suspended_doors.iter().any(|suspended| suspended[16..] == hash[..16]);
            assert_eq!(is_suspended, rules.suspended.contains(&(who.account, rules.devices[&who].keys)));
        }
    }

    pub fn device_key(&self, who: Who) -> [u8; 32] {
        self.accounts[who.account].device(who.device).public()
    }

    /// Which of an account's keys make that door.
    fn keys_of(&self, account: usize, door: &DoorId) -> usize {
        let account = &self.accounts[account];
        let makes = |keys: &usize| account.door(*keys, &self.relay.room) == *door;
        (0..=account.latest_keys()).find(makes).expect("a door of this account")
    }

    /// Whoever is behind, or gone, says nothing any more.
    fn check_late(&mut self) {
        let now = self.relay.epoch;
        for client in self.clients.values().filter(|client| client.room.epoch() < now) {
            let Ok(secrets) = client.room.secrets() else { continue };
            let late = client.seal_one(&[7; 16], "too late");
            assert!(self.relay.append(&secrets.access_key(), &late).is_err(), "a late message is taken");
        }
    }

    /// An open invite lets nobody in who was removed: the end is looked at with one.
    fn invite_once_more(&mut self) {
        let now = self.now().clone();
        let may = |client: &&Client| {
            !client.is_gone() && !now.closed && now.role(client.who.account) >= now.permissions.invite
        };
        let by = self.clients.values().find(may).map(|client| client.who);
        let Some(by) = by else { return };
        let change = self.change(by, &Wish::Invite { max: None, only: None, expires: false });
        if self.prepare(by, &change) {
            self.deliver(by, Fate::Arrives);
        }
        for who in self.clients.keys().copied().collect::<Vec<_>>() {
            if !self.clients[&who].is_gone() {
                self.sync(who);
            }
        }
    }

    fn check_invites(&self) {
        let rules = self.now();
        for (number, invite) in &rules.invites {
            assert!(
                invite.max.is_none_or(|max| rules.uses(*number, None) <= max),
                "an invite is used too often"
            );
        }
    }

    /// Doors are open to whoever may come in, and to nobody else.
    fn check_doors(&self) {
        let Some(held) = &self.relay.held else { return };
        let rules = self.now();
        let is_listed = |door: DoorId| held.doors.iter().any(|listed| listed.id == door);
        for (number, link) in self.links.iter().enumerate() {
            assert_eq!(is_listed(link.door().unwrap()), rules.is_invite_listed(number), "the door of a link");
        }
        for (number, account) in self.accounts.iter().enumerate() {
            for keys in 0..=account.latest_keys() {
                let door = account.door(keys, &self.relay.room);
                assert_eq!(is_listed(door), rules.is_account_listed(number, keys), "the door of an account");
            }
        }
    }

    /// What the relay holds is what every member makes of the epoch.
    fn check_publication(&self, client: &Client) {
        let held = self.relay.held.as_ref().unwrap();
        assert_eq!(
            client.room.audit(held, |seq| client.place(seq, self.relay.head())).unwrap(),
            [],
            "what honest devices publish"
        );
        let rules = self.now();
        let readers =
            (0..self.accounts.len()).filter(|account| rules.capsule_generation(*account).is_some()).count();
        let is_timed = rules.timer.is_some();
        let expected = if is_timed { 0 } else { readers.next_power_of_two() };
        assert_eq!((held.capsule_wraps.len(), held.capsule.is_none()), (expected, is_timed), "wraps");
        let owners_and_admins: BTreeSet<[u8; 32]> = client
            .room
            .roster()
            .iter()
            .filter(|(_, entry)| {
                let who = self.who_has(&entry.device_key);
                // A key that a removed device knows is nobody's word.
                let is_suspended = rules.suspended.contains(&(who.account, rules.devices[&who].keys));
                rules.role(who.account) >= Role::Admin && !is_suspended
            })
            .map(|(_, entry)| entry.admin_key)
            .collect();
        assert_eq!(held.admin_keys.iter().copied().collect::<BTreeSet<_>>(), owners_and_admins);
        let tag = client.room.own_capsule_tag().unwrap();
        let has_wrap = held.capsule_wraps.iter().any(|wrap| wrap.tag == tag);
        assert_eq!(
            has_wrap,
            rules.capsule_generation(client.who.account).is_some(),
            "the wrap of an account"
        );
    }

    /// What was said while a device was there is in its timeline, once, in the order of the log.
    fn check_timeline(&self, client: &Client) {
        let is_there = |seq: u64| {
            let within =
                |(after, until): &(u64, Option<u64>)| seq > *after && until.is_none_or(|until| seq <= until);
            client.notes.spans.iter().any(within)
        };
        let mut seen = BTreeSet::new();
        let expected: Vec<(u64, Meant)> = self
            .said
            .iter()
            .filter(|(seq, meant)| is_there(**seq) && seen.insert((meant.account, meant.id)))
            .map(|(seq, meant)| (*seq, meant.clone()))
            .collect();
        let timeline: Vec<(u64, Meant)> =
            client.notes.conversation.items().map(|item| (item.seq(), self.meant(item))).collect();
        assert_eq!(timeline, expected, "the timeline of {:?}", client.who);
    }

    fn meant(&self, item: &Item) -> Meant {
        let account = self.accounts.iter().position(|account| account.id == item.sender()).unwrap();
        Meant { account, id: item.id(), text: item.text().unwrap().to_owned() }
    }

    /// What a newcomer reads by history links: what was said while history was shared, back to where it was not.
    pub fn read_links(&mut self, who: Who, mut reader: HistoryReader) {
        let other =
            self.clients.keys().copied().find(|other| *other != who && !self.clients[other].is_gone());
        if let Some(other) = other {
            self.sync(other);
        }
        let (mut is_whole, mut read) = (true, 0);
        for epoch in (1..=reader.epoch()).rev() {
            let is_shared = self.at(epoch).shared && self.at(epoch + 1).shared;
            let Some(link) = self.relay.links.get(&epoch) else {
                let by_door = self.relay.entry(self.relay.began[usize::try_from(epoch + 1).unwrap()]).by_door;
                assert!(!is_shared || by_door, "a member hands on what is shared");
                is_whole = false;
                continue;
            };
            assert!(is_shared, "nobody hands on what is not shared");
            match reader.open_link(link) {
                Ok(past) => {
                    assert!(is_whole);
                    self.check_past(&past);
                    read += 1;
                }
                Err(_) => assert!(!is_whole, "the link of epoch {epoch}"),
            }
        }
        *self.tally.entry("history links read").or_default() += read;
    }

    /// What an account reads that has nothing but its recovery key: the epochs since it joined, and none before.
    pub fn check_capsules(&self, account: usize, mut reader: HistoryReader) -> u32 {
        let mut count = 0;
        let tag = *reader.tag();
        let seeds = 1..=self.accounts[account].generation();
        let mut is_whole = true;
        for epoch in (1..=reader.epoch()).rev() {
            let (capsule, wraps) = &self.relay.capsules[&epoch];
            let wrap = wraps.iter().find(|wrap| wrap.tag == tag);
            let generation = self.at(epoch).capsule_generation(account);
            assert_eq!(wrap.is_some(), generation.is_some(), "a wrap of epoch {epoch}");
            assert_eq!(capsule.is_none(), self.at(epoch).timer.is_some(), "a capsule of epoch {epoch}");
            let mut read = None;
            for seed in seeds.clone() {
                let Some(capsule) = capsule else { break };
                for other in wraps {
                    let is_ours = Some(seed) == generation && other.tag == tag;
                    let mut attempt = reader.clone();
                    let secret = self.accounts[account].recovery_key(seed).unwrap();
                    match attempt.open_capsule(secret, capsule, &other.wrap) {
                        Ok(past) => {
                            assert!(is_ours, "somebody else's wrap of epoch {epoch}");
                            assert!(is_whole || epoch % 64 == 0);
                            read = Some((attempt, past));
                        }
                        Err(error) => {
                            assert!(!is_ours || !(is_whole || epoch % 64 == 0), "epoch {epoch}: {error}");
                        }
                    }
                }
            }
            match read {
                Some((next, past)) => {
                    reader = next;
                    is_whole = true;
                    count += 1;
                    self.check_past(&past);
                }
                None => {
                    reader.skip();
                    is_whole = false;
                }
            }
        }
        count
    }

    /// Everything that was said in an epoch is read again, and by whom it was said.
    fn check_past(&self, past: &PastEpoch) {
        let rules: &Rules = self.at(past.epoch);
        let there: BTreeSet<Who> =
            past.roster.iter().map(|(_, entry)| self.who_has(&entry.device_key)).collect();
        assert_eq!(there, rules.devices.keys().copied().collect(), "who was in epoch {}", past.epoch);
        let room = &self.relay.room;
        for (seq, meant) in &self.said {
            let entry = self.relay.entry(*seq);
            if entry.epoch == past.epoch {
                let opened = message::open(&past.message, room, past.epoch, &past.roster, &entry.bytes);
                let (_, opened) = opened.expect("a message of an epoch that may be read");
                assert_eq!(opened.id, meant.id);
                assert_eq!(opened.sender.account, self.accounts[meant.account].id);
            }
        }
    }
}

/// Two devices in the same epoch have the same room.
fn check_agreement(one: &Client, other: &Client) {
    let (a, b) = (&one.room, &other.room);
    let whose = (one.who, other.who);
    assert_eq!(a.roster(), b.roster(), "{whose:?}");
    assert!(a.state() == b.state(), "{whose:?}");
    assert_eq!(a.epoch_authenticator(), b.epoch_authenticator(), "{whose:?}");
    assert!(a.secrets() == b.secrets(), "{whose:?}");
}
