//! What the relay holds is damaged, found, and put right.

use crate::{actions::Damage, client::Client, world::World};
use proptest::sample::Index;
use sotto_crypto::room::{AccountJoin, Flaw};

impl World {
    /// The relay spoils something; a member finds it and makes it again.
    pub fn damage(&mut self, by: Index, what: Damage, place: Index) {
        let Some(by) = self.pick(by) else { return };
        self.sync(by);
        let client = &self.clients[&by];
        if client.is_gone() || client.room.epoch() != self.relay.epoch {
            return;
        }
        let head = self.relay.head();
        let place_of = |seq| client.place(seq, head);
        let good = self.relay.held.clone().unwrap();
        let mut held = good.clone();
        let flip = |bytes: &mut Vec<u8>| {
            let place = place.index(bytes.len());
            bytes[place] ^= 1;
        };
        let doors = held.doors.len().max(1);
        let wraps = held.capsule_wraps.len().max(1);
        let flaw = match what {
            Damage::Link => return self.damage_link(by),
            Damage::Card => {
                flip(&mut held.card);
                Flaw::Card
            }
            Damage::Door | Damage::NoDoor if held.doors.is_empty() => return,
            Damage::Door => {
                flip(&mut held.doors[place.index(doors)].wrap);
                Flaw::Doors
            }
            Damage::NoDoor => {
                held.doors.remove(place.index(doors));
                Flaw::Doors
            }
            _ if held.capsule.is_none() || held.capsule_wraps.is_empty() => return,
            Damage::Capsule => {
                flip(held.capsule.as_mut().unwrap());
                Flaw::Capsule
            }
            Damage::Wrap => {
                flip(&mut held.capsule_wraps[place.index(wraps)].wrap);
                Flaw::CapsuleWraps
            }
            Damage::NoWrap => {
                held.capsule_wraps.remove(place.index(wraps));
                Flaw::CapsuleWraps
            }
        };
        assert_eq!(client.room.audit(&held, place_of).unwrap(), [flaw]);
        let (own_door, own_tag) = (client.room.own_door().unwrap(), client.room.own_capsule_tag().unwrap());
        let door = |held: &sotto_crypto::room::Publication| {
            held.doors.iter().find(|door| door.id == own_door).map(|door| door.wrap.clone())
        };
        let wrap = |held: &sotto_crypto::room::Publication| {
            held.capsule_wraps.iter().find(|wrap| wrap.tag == own_tag).map(|wrap| wrap.wrap.clone())
        };
        let mut own_flaws = Vec::new();
        if door(&held) != door(&good) {
            own_flaws.push(Flaw::Doors);
        }
        if wrap(&held) != wrap(&good) {
            own_flaws.push(Flaw::CapsuleWraps);
        }
        let found = client.room.audit_own(door(&held).as_deref(), wrap(&held).as_deref()).unwrap();
        assert_eq!(found, own_flaws, "each looks at its own");
        // By a damaged card or wrap nobody comes in, and nobody is led astray.
        if let Some(leaf) = self.now().devices.get(&by)
            && let Some(wrap) = door(&held)
        {
            let own = self.accounts[by.account].own(by.device, leaf.keys, leaf.generation);
            let (room, card, epoch) = (self.relay.room, held.card.as_slice(), self.relay.epoch);
            let made = AccountJoin { room, card, wrap: &wrap, epoch, own: &own }.join();
            let is_good = what != Damage::Card && door(&held) == door(&good);
            assert!(is_good || made.is_err(), "what is damaged does not open");
        }
        let repaired = client.room.republish(client.notes.cursor).unwrap();
        assert_eq!(client.room.audit(&repaired, place_of).unwrap(), []);
        assert!(repaired.doors == good.doors && repaired.capsule_wraps == good.capsule_wraps);
        assert_eq!(repaired.admin_keys, good.admin_keys);
        self.relay.hold(repaired);
        self.count("repairs");
    }

    /// A member speaks twice; another is shown the second alone, or first. It sees that the speaker had another log.
    pub fn fork(&mut self, to: Index, by: Index, is_swapped: bool) {
        let (Some(to), Some(by)) = (self.pick(to), self.pick(by)) else { return };
        self.sync(to);
        self.sync(by);
        let head = self.relay.head();
        let is_ready = |who| {
            let client: &Client = &self.clients[&who];
            let epoch = self.relay.epoch;
            !client.is_gone() && client.room.epoch() == epoch && client.notes.cursor.seq == head
        };
        if to == by || !is_ready(to) || !is_ready(by) {
            return;
        }
        for _ in 0..2 {
            self.speak(by);
        }
        let mut shown = self.relay.log[usize::try_from(head).unwrap()..].to_vec();
        assert_eq!(shown.len(), 2);
        shown.swap(0, 1);
        shown.truncate(1 + usize::from(is_swapped));
        for (seq, entry) in (head + 1..).zip(&mut shown) {
            entry.seq = seq;
        }
        assert!(self.clients.get_mut(&to).unwrap().notices(&shown), "a fork is not noticed");
        self.count("forks noticed");
    }

    /// The link back from the current epoch is lost; whoever was there before makes it again.
    fn damage_link(&mut self, by: crate::people::Who) {
        let Some(before) = self.relay.epoch.checked_sub(1) else { return };
        let made = self.clients[&by].room.history_link().unwrap();
        if let Some(link) = made
            && self.relay.links.insert(before, link).is_some()
        {
            self.count("history links made again");
        }
    }
}
