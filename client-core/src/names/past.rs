//! Names that people had in a room and have no more: of those who left, and of those who changed their names. What they said still
//! stands under these names.

use minicbor::{Decode, Encode};
use sotto_crypto::{
    identity::AccountId,
    room::{Roster, RosterChange, RosterEntry},
};

/// Of one account. Who changes names over and over forgets only names of their own.
const NAMES_OF_AN_ACCOUNT_MAX: usize = 4;

/// Of all. The account that has most gives up its oldest.
const NAMES_MAX: usize = 512;

/// Names of the past, the oldest first.
#[derive(Clone, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct PastNames(#[n(0)] Vec<PastName>);

#[derive(Clone, PartialEq, Eq, Encode, Decode)]
struct PastName(#[n(0)] AccountId, #[n(1)] String);

impl PastNames {
    /// Notes the names that go with a change of the roster.
    pub fn note(&mut self, roster: &Roster, change: &RosterChange) {
        for (leaf, new) in &change.0 {
            let Some(old) = roster.get(*leaf) else { continue };
            let stays =
                |new: &RosterEntry| (new.account, &new.display_name) == (old.account, &old.display_name);
            if !new.as_ref().is_some_and(stays) {
                self.add(PastName(old.account, old.display_name.clone()));
            }
        }
    }

    /// Accounts with the names that they had.
    pub fn iter(&self) -> impl Iterator<Item = (&AccountId, &str)> {
        self.0.iter().map(|PastName(account, name)| (account, name.as_str()))
    }

    /// The last name that an account had.
    pub fn last_of(&self, account: &AccountId) -> Option<&str> {
        self.0.iter().rev().find(|known| known.0 == *account).map(|known| known.1.as_str())
    }

    fn add(&mut self, name: PastName) {
        self.0.retain(|known| *known != name);
        let account = name.0;
        self.0.push(name);
        if self.count_of(&account) > NAMES_OF_AN_ACCOUNT_MAX {
            self.drop_oldest_of(&account);
        }
        if self.0.len() > NAMES_MAX {
            let most = self.0.iter().map(|known| known.0).max_by_key(|account| self.count_of(account));
            if let Some(account) = most {
                self.drop_oldest_of(&account);
            }
        }
    }

    fn count_of(&self, account: &AccountId) -> usize {
        self.0.iter().filter(|known| known.0 == *account).count()
    }

    fn drop_oldest_of(&mut self, account: &AccountId) {
        if let Some(oldest) = self.0.iter().position(|known| known.0 == *account) {
            self.0.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::DoorId;

    fn add(names: &mut PastNames, account: u16, name: &str) {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&account.to_be_bytes());
        names.add(PastName(AccountId::new(id), name.into()));
    }

    fn entry(account: u8, name: &str) -> RosterEntry {
        RosterEntry {
            account: AccountId::new([account; 16]),
            device_key: [account; 32],
            display_name: name.into(),
            via: None,
            identity_key: [account; 32],
            generation: 0,
            recovery_key_hash: None,
            joined: 0,
            door: DoorId::new([account; 16]),
            door_key_hash: [account; 32],
            admin_key: [account; 32],
            stay: [account; 16],
            updated: 0,
            rules: 1,
            operator: None,
            devices: None,
        }
    }

    #[test]
    fn names_that_go_with_a_person_or_a_renaming_are_kept() {
        let leaves = [(0, entry(1, "Ada")), (1, entry(2, "Eve")), (2, entry(3, "Bob")), (3, entry(4, "Cy"))];
        let roster = Roster::from_entries(leaves);
        let change = [
            (0, Some(RosterEntry { generation: 1, ..entry(1, "Ada") })),
            (1, Some(entry(2, "Mallory"))),
            (2, None),
            (3, Some(entry(5, "Cy"))),
            (4, Some(entry(6, "Dan"))),
        ];
        let mut names = PastNames::default();
        names.note(&roster, &RosterChange(change.into()));
        let known: Vec<_> = names.iter().map(|(account, name)| (account.as_bytes()[0], name)).collect();
        assert_eq!(known, [(2, "Eve"), (3, "Bob"), (4, "Cy")]);
    }

    #[test]
    fn who_changes_names_over_and_over_forgets_only_their_own() {
        let mut names = PastNames::default();
        add(&mut names, 1, "Ada");
        (0..1_000).for_each(|n| add(&mut names, 2, &format!("Eve {n}")));
        let known: Vec<&str> = names.iter().map(|(_, name)| name).collect();
        assert_eq!(known, ["Ada", "Eve 996", "Eve 997", "Eve 998", "Eve 999"]);
        add(&mut names, 1, "Ada");
        assert_eq!(names.iter().count(), 5, "a name is noted once");
        (3..1_000).for_each(|n| add(&mut names, n, "Guest"));
        assert_eq!(names.iter().count(), NAMES_MAX);
    }
}
