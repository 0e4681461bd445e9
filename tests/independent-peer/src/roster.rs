//! Who is in the room: each leaf with what its certificate and its leaf data say.

use crate::{
    PeerError,
    certificate::{Body, verify},
    encoding::Id,
    leaf_data::LeafData,
};
use mls_rs::group::{Member, Roster as MlsRoster};
use std::collections::{BTreeMap, BTreeSet};

/// One leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// Its certificate.
    pub certificate: Body,
    /// Its leaf data.
    pub leaf: LeafData,
}

/// All leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster(pub BTreeMap<u32, RosterEntry>);

impl Roster {
    /// Reads all leaves of a tree.
    pub fn read(roster: &MlsRoster<'_>) -> Result<Self, PeerError> {
        roster
            .members_iter()
            .map(|member| Ok((member.index, read(&member)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// How many accounts came in through an invite.
    pub fn accounts_via(&self, invite: &Id) -> u64 {
        let via = self.0.values().filter(|entry| entry.leaf.via.as_ref() == Some(invite));
        let accounts: BTreeSet<Id> = via.map(|entry| entry.certificate.account()).collect();
        u64::try_from(accounts.len()).unwrap_or(u64::MAX)
    }
}

fn read(member: &Member) -> Result<RosterEntry, PeerError> {
    let identity = &member.signing_identity;
    let credential =
        identity.credential.as_basic().ok_or(PeerError::Forbidden("credential that is not basic"))?;
    let certificate = verify(credential.identifier())?;
    if certificate.device[..] != identity.signature_key[..] {
        return Err(PeerError::Forbidden("certificate of another device"));
    }
    Ok(RosterEntry { certificate, leaf: LeafData::of(&member.extensions)? })
}
