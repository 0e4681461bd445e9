//! Making a room: an MLS group of one, at epoch 0.

use super::{Room, RoomState, Roster, RosterEntry, config, config::Suite, leaf::LeafData};
use crate::{CryptoError, DeviceKey, identity::Certificate, provider::Provider, random_array};
use openmls::{
    group::{GroupId, MlsGroup, PURE_PLAINTEXT_WIRE_FORMAT_POLICY},
    prelude::{Extensions, SenderRatchetConfiguration},
};
use sotto_protocol::RoomId;

impl Room {
    /// Makes a room whose owner is the certificate's account.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the name cannot be used; [`CryptoError::BadKey`] where the certificate names another
    /// device; [`CryptoError::NoRandomness`].
    pub fn create(
        suite: Suite,
        name: &str,
        certificate: &Certificate,
        device: DeviceKey,
    ) -> Result<Self, CryptoError> {
        config::check_own(certificate, &device)?;
        let id = RoomId::new(random_array()?);
        let state = RoomState::new(name, certificate.account())?;
        let provider = Provider::default();
        let extensions = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()])
            .map_err(|_| CryptoError::Mls("context extensions"))?;
        let group = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(id.as_bytes()))
            .ciphersuite(suite.ciphersuite())
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .with_capabilities(config::capabilities(suite))
            .with_group_context_extensions(extensions)
            .with_leaf_node_extensions(LeafData::default().to_extensions()?)
            .map_err(|_| CryptoError::Mls("leaf extensions"))?
            .max_past_epochs(0)
            .number_of_resumption_psks(0)
            .use_ratchet_tree_extension(true)
            .sender_ratchet_configuration(SenderRatchetConfiguration::new(0, 0))
            .build(&provider, &device, config::credential(certificate))
            .map_err(|_| CryptoError::Mls("the group could not be made"))?;
        let own = RosterEntry {
            account: certificate.account(),
            device_key: device.public(),
            display_name: certificate.display_name().to_owned(),
            via: None,
        };
        let roster = Roster::from_entries([(group.own_leaf_index().u32(), own)]);
        Ok(Self { id, provider, group, device, roster, state })
    }
}
