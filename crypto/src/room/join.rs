//! Joining through an invite's door: with the card, by an external commit (RFC 9420, section 12.4.3.2), with no one online.

use super::{
    Handshake, Room, RosterEntry, card::Card, commit::After, config, config::Suite, door, facts::new_state,
    leaf::LeafData, policy, process::roster_of,
};
use crate::{
    CryptoError, DeviceKey, JoinKey, Secret, identity::Certificate, link, link::InviteLink,
    provider::Provider,
};
use minicbor::{Decode, Encode};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn},
    group::MlsGroup,
    prelude::{
        LeafNodeParameters,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Chain, DoorId, RoomId};
use zeroize::Zeroizing;

/// What it takes to join.
#[derive(Debug)]
pub struct JoinRequest<'a> {
    /// The invite.
    pub link: &'a InviteLink,
    /// The sealed card from the relay.
    pub card: &'a [u8],
    /// The card's key, sealed to the door.
    pub wrap: &'a [u8],
    /// The epoch that the relay says the card is of.
    pub epoch: u64,
    /// Who joins.
    pub certificate: &'a Certificate,
    /// With which device.
    pub device: DeviceKey,
}

/// A join that the relay has not acknowledged: the room as it will be then.
#[derive(Debug)]
pub struct Joining {
    /// The room after the join.
    pub room: Room,
    /// What is to be appended.
    pub handshake: Handshake,
    /// The door that is used.
    pub door: DoorId,
    join_seed: Secret,
    /// The last entry that the card's writer had verified: from here on this device verifies the log.
    pub chain: Chain,
    /// The epoch that the join leaves.
    pub epoch: u64,
    /// Whether the inviter is still in the room.
    pub is_inviter_present: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SavedJoin {
    #[cbor(n(0), with = "crate::secret::bytes")]
    room: Zeroizing<Vec<u8>>,
    #[n(1)]
    handshake: Handshake,
    #[n(2)]
    door: DoorId,
    #[n(3)]
    join_seed: Secret,
    #[n(4)]
    chain: Chain,
    #[n(5)]
    epoch: u64,
    #[n(6)]
    is_inviter_present: bool,
}

impl Joining {
    /// The join as one value, to be stored sealed before it is sent: whatever happens then, the same bytes are sent again.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn save(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let saved = SavedJoin {
            room: self.room.save()?,
            handshake: self.handshake.clone(),
            door: self.door,
            join_seed: self.join_seed.clone(),
            chain: self.chain,
            epoch: self.epoch,
            is_inviter_present: self.is_inviter_present,
        };
        Ok(Zeroizing::new(sotto_protocol::encode(&saved)))
    }

    /// Reads what [`Joining::save`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is damaged.
    pub fn load(room: RoomId, device: DeviceKey, saved: &[u8]) -> Result<Self, CryptoError> {
        let saved: SavedJoin =
            sotto_protocol::decode(saved).map_err(|_| CryptoError::Malformed("stored join"))?;
        Ok(Self {
            room: Room::load(room, device, &saved.room)?,
            handshake: saved.handshake,
            door: saved.door,
            join_seed: saved.join_seed,
            chain: saved.chain,
            epoch: saved.epoch,
            is_inviter_present: saved.is_inviter_present,
        })
    }

    /// Signs the append.
    #[must_use]
    pub fn join_key(&self) -> JoinKey {
        JoinKey::from_seed(&self.join_seed)
    }
}

impl JoinRequest<'_> {
    /// Opens the card and makes the commit.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`] or [`CryptoError::Malformed`] where card or wrap are damaged or not for this link;
    /// [`CryptoError::WrongEpoch`] where the card is older than the link or not of the epoch that the relay says;
    /// [`CryptoError::Forbidden`] where the room's rules would not let this device in.
    pub fn join(self) -> Result<Joining, CryptoError> {
        let Self { link, certificate, device, .. } = self;
        config::check_own(certificate, &device)?;
        let door = link.door()?;
        let card_key = link::invite_wrap_key(&link.secret)?
            .open(&door::context(&link.room, self.epoch, &door), self.wrap)?;
        let card = Card::open(&card_key, &link.room, self.card)?;
        if card.epoch != self.epoch || card.epoch < link.epoch {
            return Err(CryptoError::WrongEpoch { expected: self.epoch.max(link.epoch), found: card.epoch });
        }
        if card.epoch == u64::MAX {
            return Err(CryptoError::Malformed("card"));
        }
        let (group_info, suite) = group_info(&card)?;
        let joiner = RosterEntry {
            account: certificate.account(),
            device_key: device.public(),
            display_name: certificate.display_name().to_owned(),
            via: Some(door),
        };
        let statement = policy::join_proof_statement(&link.room, card.epoch, &joiner);
        let signature = link::invite_signature_key(&link.secret)?.sign(&statement);
        let aad = sotto_protocol::encode(&policy::JoinProof { invite: door, signature });

        let provider = Provider::default();
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(config::capabilities(suite))
            .with_extensions(LeafData { via: Some(door) }.to_extensions()?)
            .build();
        let builder = MlsGroup::external_commit_builder()
            .with_config(config::join_config())
            .with_aad(aad.clone())
            .skip_lifetime_validation()
            .build_group(&provider, group_info, config::credential(certificate))
            .map_err(|_| CryptoError::Mls("the card's group is not valid"))?
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .map_err(|_| CryptoError::Mls("the join could not be made"))?
            .build(provider.rand(), provider.crypto(), &device, |_| true)
            .map_err(|_| CryptoError::Mls("the join could not be made"))?;
        let (group, bundle) =
            builder.finalize(&provider).map_err(|_| CryptoError::Mls("the join could not be made"))?;
        if group.group_id().as_slice() != link.room.as_bytes()
            || group.epoch().as_u64() != card.epoch.saturating_add(1)
        {
            return Err(CryptoError::Malformed("card"));
        }
        let (roster, state) = (roster_of(&group)?, new_state(group.extensions())?);
        if !state.is_well_formed() {
            return Err(CryptoError::Malformed("room state"));
        }
        let room = Room { id: link.room, provider, group, device, roster, state };
        room.check_own_join(&card, &joiner, &aad)?;

        let secrets = room.secrets()?;
        let group_info = room
            .group
            .export_group_info(room.provider.crypto(), &room.device, true)
            .map_err(|_| CryptoError::Mls("no GroupInfo"))?
            .tls_serialize_detached()
            .map_err(|_| CryptoError::Mls("serialization"))?;
        let commit =
            bundle.commit().tls_serialize_detached().map_err(|_| CryptoError::Mls("serialization"))?;
        let after = After {
            room: link.room,
            epoch: card.epoch,
            handshake: &card.handshake,
            secrets: &secrets,
            state: &room.state,
            roster: &room.roster,
        };
        let handshake = after.handshake(&commit, group_info, card.chain)?;
        let is_inviter_present = room.roster.iter().any(|(_, entry)| entry.account == link.inviter);
        Ok(Joining {
            handshake,
            door,
            join_seed: card.join.clone(),
            chain: card.chain,
            epoch: card.epoch,
            is_inviter_present,
            room,
        })
    }
}

fn group_info(
    card: &Card,
) -> Result<(openmls::messages::group_info::VerifiableGroupInfo, Suite), CryptoError> {
    let malformed = || CryptoError::Malformed("card");
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&card.group_info).map_err(|_| malformed())?;
    let MlsMessageBodyIn::GroupInfo(group_info) = message.extract() else { return Err(malformed()) };
    let suite = Suite::of(group_info.ciphersuite());
    if suite.ciphersuite() != group_info.ciphersuite() {
        return Err(CryptoError::NewerVersion);
    }
    Ok((group_info, suite))
}

impl Room {
    /// Judges this device's own join as every member will, so that nobody is sent into a room that refuses them.
    fn check_own_join(&self, card: &Card, joiner: &RosterEntry, aad: &[u8]) -> Result<(), CryptoError> {
        // The roster before: without this device, but with its old leaf, which the join replaces.
        let others = self.roster.iter().filter(|(leaf, _)| *leaf != self.own_leaf());
        let before = super::Roster::from_entries(others.map(|(leaf, entry)| (leaf, entry.clone())));
        let facts = policy::Facts {
            member: None,
            leaf: Some(Ok(joiner.clone())),
            has_foreign_proposal: false,
            removed: Vec::new(),
            new_state: None,
            aad,
        };
        let before = policy::Before {
            room: self.id,
            epoch: card.epoch,
            suite: self.suite(),
            roster: &before,
            state: &self.state,
        };
        policy::judge(&before, &facts).map_err(CryptoError::Forbidden)
    }
}
