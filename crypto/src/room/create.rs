//! Making a room: an MLS group of one, at epoch 0.

use super::{
    OwnDevice, Room, RoomState, Roster, RosterEntry, config,
    config::Suite,
    history::{LeafChange, LeafRecord},
    own::Stay,
    past::Past,
};
use crate::{CryptoError, provider::Provider, random_array};
use openmls::{
    group::{GroupId, MlsGroup, PURE_PLAINTEXT_WIRE_FORMAT_POLICY},
    prelude::{Extensions, SenderRatchetConfiguration},
};
use sotto_protocol::RoomId;

impl Room {
    /// Makes a room whose owner is the device's account. Epoch 0 has no card and no capsule: a first commit
    /// ([`RoomChange::Rotate`](super::RoomChange)) is to follow before anything is said.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the name cannot be used; [`CryptoError::BadKey`] where the certificate names another
    /// device; [`CryptoError::NoRandomness`].
    pub fn create(suite: Suite, name: &str, own: &OwnDevice) -> Result<Self, CryptoError> {
        own.check()?;
        let id = RoomId::new(random_array()?);
        let state = RoomState::new(name, own.certificate.account())?;
        let data = own.leaf_data(&id, None, Stay::begin(0)?)?;
        let provider = Provider::default();
        let extensions = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()])
            .map_err(|_| CryptoError::Mls("context extensions"))?;
        let group = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(id.as_bytes()))
            .ciphersuite(suite.ciphersuite())
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .with_capabilities(config::capabilities(suite))
            .with_group_context_extensions(extensions)
            .with_leaf_node_extensions(data.to_extensions()?)
            .map_err(|_| CryptoError::Mls("leaf extensions"))?
            .max_past_epochs(0)
            .number_of_resumption_psks(0)
            .use_ratchet_tree_extension(true)
            .sender_ratchet_configuration(SenderRatchetConfiguration::new(0, 0))
            .build(&provider, &own.device, config::credential(&own.certificate))
            .map_err(|_| CryptoError::Mls("the group could not be made"))?;
        let leaf = group.own_leaf_index().u32();
        let entry = RosterEntry::new(&own.certificate, &data)?;
        let record = LeafRecord { entry: entry.clone(), certificate: own.certificate.as_bytes().to_vec() };
        let mut room = Self {
            id,
            provider,
            group,
            device: own.device.clone(),
            roster: Roster::from_entries([(leaf, entry)]),
            state,
            arrival: vec![LeafChange { leaf, before: None, after: Some(record) }],
            previous: None,
            checkpoint: None,
            own_join: None,
            voided: Vec::new(),
            left_out: Vec::new(),
            past: None,
            next_past: Past { last: [0; 32], whole: [0; 32] },
            known_rules: super::state::POLICY_VERSION,
        };
        room.next_past = room.next_past(&room.secrets()?)?;
        Ok(room)
    }
}
