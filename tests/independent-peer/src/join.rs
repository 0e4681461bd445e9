//! Section "Doors, cards, capsules, links", joining: by an invite, or by the door of the joiner's own account.

use crate::{
    PeerError,
    capsule::EpochRecord,
    card::Card,
    certificate::Device,
    door::InviteKeys,
    encoding::{Id, random},
    entry::Kind,
    join_proof::JoinProof,
    labels,
    link::InviteLink,
    mls::{SUITE, client_with_suites},
    past::CommitData,
    room::{Handshake, PeerRoom, seal_commit},
    room_state::RoomState,
    roster::Roster,
    wrap::KeyPair,
};
use mls_rs::{CipherSuite, ExtensionList, MlsMessage, extension::built_in::RatchetTreeExt};

/// A join in preparation; a test may spoil it before it is committed.
pub struct Join {
    /// What the card says.
    pub card: Card,
    /// Authenticated data: the proof.
    pub authenticated_data: Vec<u8>,
    /// Leaf extensions: the leaf data.
    pub leaf_extensions: ExtensionList,
    /// The leaf to replace.
    pub replaces: Option<u32>,
    /// Suites that the leaf's capabilities list.
    pub suites: Vec<CipherSuite>,
    room: Id,
    device: Device,
    group_info: MlsMessage,
    before: Roster,
}

impl Join {
    /// By an invite: opens wrap and card, and prepares the commit.
    pub fn by_invite(
        link: &InviteLink,
        sealed_card: &[u8],
        wrap: &[u8],
        epoch: u64,
        device: &Device,
    ) -> Result<Self, PeerError> {
        let keys = InviteKeys::of_secret(&link.secret)?;
        let card_key = keys.wrap.open(labels::DOOR_WRAP, &link.room, epoch, &keys.door, wrap)?;
        let card = Card::open(&card_key, &link.room, sealed_card)?;
        if card.epoch < link.epoch {
            return Err(PeerError::Forbidden("card that is older than the link"));
        }
        let proof = JoinProof::sign(keys.door, &keys.signature, &link.room, epoch, &device.body);
        Self::prepare(link.room, card, epoch, device, &proof, |_| Ok(Some(keys.door)))
    }

    /// By the door of the device's own account.
    pub fn by_account(
        room: Id,
        sealed_card: &[u8],
        wrap: &[u8],
        epoch: u64,
        device: &Device,
    ) -> Result<Self, PeerError> {
        let account = device.body.account();
        let door = device.keys.leaf_data(&room, None, 0, [0; 16].into())?.door(&account);
        let key = KeyPair::of_seed(&device.keys.door_seed);
        let card_key = key.open(labels::DOOR_WRAP, &room, epoch, &door, wrap)?;
        let card = Card::open(&card_key, &room, sealed_card)?;
        let via = |roster: &Roster| {
            let sibling = roster
                .0
                .values()
                .find(|entry| entry.certificate.account() == device.body.account() && entry.door() == door);
            Ok(sibling.ok_or(PeerError::Forbidden("account without a leaf"))?.leaf.via)
        };
        Self::prepare(room, card, epoch, device, &JoinProof::Account(door), via)
    }

    fn prepare(
        room: Id,
        card: Card,
        epoch: u64,
        device: &Device,
        proof: &JoinProof,
        via: impl FnOnce(&Roster) -> Result<Option<Id>, PeerError>,
    ) -> Result<Self, PeerError> {
        let group_info = MlsMessage::from_bytes(&card.group_info)?;
        let info = group_info.as_group_info().ok_or(PeerError::Malformed("GroupInfo"))?;
        let context = info.group_context();
        if context.group_id[..] != room[..] || context.epoch != epoch || card.epoch != epoch {
            return Err(PeerError::Forbidden("card or GroupInfo of another room or epoch"));
        }
        RoomState::of(context.extensions())?;
        let tree = info.extensions().get_as::<RatchetTreeExt>().ok().flatten();
        let before = Roster::read(&tree.ok_or(PeerError::Malformed("ratchet tree"))?.tree_data().roster())?;
        let leaf = device.keys.leaf_data(&room, via(&before)?, epoch.saturating_add(1), random()?.into())?;
        let is_own = |entry: &crate::roster::RosterEntry| entry.certificate.device == device.body.device;
        Ok(Self {
            card,
            authenticated_data: proof.to_bytes()?,
            leaf_extensions: leaf.to_extensions()?,
            replaces: before.0.iter().find(|(_, entry)| is_own(entry)).map(|(leaf, _)| *leaf),
            suites: vec![SUITE],
            room,
            device: device.clone(),
            group_info,
            before,
        })
    }

    /// Makes the external commit. Gives the room in the next epoch, and what goes to the relay.
    pub fn commit(self) -> Result<(PeerRoom, Handshake), PeerError> {
        let (chain, before, past) = (self.card.chain.clone(), self.before.clone(), self.card.past);
        let (mut room, entry) = self.commit_as_it_is()?;
        room.record = Some(room.record_after(&before, room.own_leaf(), Some(past))?);
        let handshake = room.handshake((Kind::Join, entry), chain, None, false)?;
        Ok((room, handshake))
    }

    /// Makes the external commit and does not look at it. Gives the room in the next epoch, and the sealed commit.
    pub fn commit_as_it_is(self) -> Result<(PeerRoom, Vec<u8>), PeerError> {
        let mut builder = client_with_suites(&self.device, self.suites)
            .external_commit_builder()?
            .with_authenticated_data(CommitData::write(self.card.past, self.authenticated_data)?)
            .with_leaf_node_extensions(self.leaf_extensions);
        if let Some(leaf) = self.replaces {
            builder = builder.with_removal(leaf);
        }
        let (group, commit) = builder.build(self.group_info)?;
        let entry = seal_commit(&self.card.handshake, Kind::Join, (&self.room, self.card.epoch), &commit)?;
        let record: Option<EpochRecord> = None;
        Ok((PeerRoom { id: self.room, device: self.device, group, record }, entry))
    }
}
