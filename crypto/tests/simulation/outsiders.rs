//! What must hold, whatever happened: against those who are not in the room any more, or never were.

use crate::{
    joins::Way,
    people::Who,
    world::{Copy, World},
};
use sotto_crypto::{
    message,
    room::{AccountJoin, JoinRequest, MessageSecret, Room},
};
use std::collections::BTreeSet;

impl World {
    pub fn check_outsiders(&self) {
        for copy in &self.copies {
            self.check_copy(copy);
        }
        let revoked: Vec<Who> = self.now().revoked.iter().copied().collect();
        for who in revoked {
            self.check_removed(who);
        }
        for account in (0..self.accounts.len()).filter(|account| !self.now().has(*account)) {
            self.check_stranger(account);
        }
    }

    /// A copy of a device's storage follows the room as long as the device's leaf stays, at most, and reads nothing after.
    fn check_copy(&self, copy: &Copy) {
        let device = self.accounts[copy.who.account].device(copy.who.device).clone();
        let mut room = Room::load(self.relay.room, device, &copy.stored.room).unwrap();
        let is_inside =
            |epoch: u64| self.at(epoch).devices.get(&copy.who).is_some_and(|leaf| leaf.stay == copy.stay);
        let last_inside =
            (copy.epoch..=self.relay.epoch).take_while(|epoch| is_inside(*epoch)).last().unwrap();
        let mut secrets: Vec<MessageSecret> =
            copy.stored.notes.views.values().map(|view| view.message.clone()).collect();
        // It has the whole log: the relay helps.
        for entry in self.relay.log.iter().filter(|entry| entry.epoch >= copy.epoch) {
            let Some(handshake) = entry.handshake.as_ref().filter(|_| !entry.is_void) else { continue };
            let pending = copy.stored.notes.pending.as_ref();
            if room.is_removed() || entry.epoch != room.epoch() {
                assert!(
                    room.stage(entry.kind(), &entry.bytes, &handshake.access_key).is_err(),
                    "outside, nothing is staged"
                );
            } else if pending.is_some_and(|pending| pending.handshake.entry == entry.bytes) {
                room.merge_pending().unwrap();
            } else if let Ok(staged) = room.stage(entry.kind(), &entry.bytes, &handshake.access_key) {
                room.merge(staged).unwrap();
            } else {
                break;
            }
            if !room.is_removed() {
                assert!(room.epoch() <= last_inside, "a copy of {:?} follows too far", copy.who);
                let own = room.secrets().unwrap();
                let seeds = [
                    own.message.seed(),
                    own.handshake.seed(),
                    own.status.seed(),
                    own.access.seed(),
                    own.join.seed(),
                ];
                secrets.extend(seeds.map(|seed| MessageSecret::from_seed(seed.clone())));
            }
        }
        for seq in self.said.keys() {
            let entry = self.relay.entry(*seq);
            let roster = room.roster();
            if entry.epoch > last_inside {
                for secret in &secrets {
                    let opened = message::open(secret, &self.relay.room, entry.epoch, roster, &entry.bytes);
                    assert!(opened.is_err(), "a copy of {:?} reads on", copy.who);
                }
            }
        }
    }

    /// A device that was removed finds no door of its account with what it had, and no link lets it in.
    fn check_removed(&self, who: Who) {
        let account = &self.accounts[who.account];
        // An attacker keeps every door key that its account published while it was in.
        let known: BTreeSet<usize> = self
            .rules
            .iter()
            .filter(|rules| rules.devices.contains_key(&who))
            .flat_map(|rules| rules.leaves_of(who.account).map(|(_, leaf)| leaf.keys))
            .collect();
        for keys in known {
            self.check_no_way(who, keys);
        }
        // Whatever it knows by now: its own key stays out.
        for keys in 0..=account.latest_keys() {
            assert!(self.try_way(who, Way::Door(keys), keys).is_none(), "{who:?} comes back by a door");
        }
        for number in 0..self.links.len() {
            let came = self.try_way(who, Way::Invite(number), account.latest_keys());
            assert!(came.is_none(), "{who:?} comes back by a link");
        }
    }

    /// An account that is not in the room, whatever keys it has or had.
    fn check_stranger(&self, account: usize) {
        if let Some(device) = self.accounts[account].device_count().checked_sub(1) {
            for keys in 0..=self.accounts[account].latest_keys() {
                self.check_no_way(Who { account, device }, keys);
            }
        }
    }

    /// None of the relay's wraps opens with these keys, whether as a door or as a link.
    fn check_no_way(&self, who: Who, keys: usize) {
        let account = &self.accounts[who.account];
        let held = self.relay.held.as_ref().unwrap();
        let (room, card, epoch) = (self.relay.room, held.card.as_slice(), self.relay.epoch);
        let own = account.own(who.device, keys, account.generation());
        let door = own.door(&room).unwrap();
        assert!(held.doors.iter().all(|listed| listed.id != door), "{who:?} finds a door");
        for listed in &held.doors {
            let wrap = listed.wrap.as_slice();
            assert!(AccountJoin { room, card, wrap, epoch, own: &own }.join().is_err());
        }
        for (number, link) in self.links.iter().enumerate() {
            if !self.now().is_invite_listed(number) {
                for listed in &held.doors {
                    let wrap = listed.wrap.as_slice();
                    assert!(
                        JoinRequest { link, card, wrap, epoch, own: &own }.join().is_err(),
                        "an old link"
                    );
                }
                break;
            }
        }
    }
}
