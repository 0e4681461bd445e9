//! Section "Doors, cards, links": the fragment of an invite link.

use crate::{
    PeerError,
    encoding::{Id, take},
    labels,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

const VERSION: u8 = 1;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// The room.
    pub room: Id,
    /// The invite's secret.
    pub secret: [u8; 32],
    /// Who invites.
    pub inviter: Id,
    /// The epoch that the invite's commit began.
    pub epoch: u64,
}

impl InviteLink {
    /// What stands behind the `#`.
    pub fn to_fragment(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.room[..]);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&self.inviter[..]);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what stands behind the `#`.
    pub fn from_fragment(fragment: &str) -> Result<Self, PeerError> {
        const WHAT: &str = "invite link";
        let bytes = URL_SAFE_NO_PAD.decode(fragment).map_err(|_| PeerError::Malformed(WHAT))?;
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(PeerError::Malformed(WHAT))?;
        let mut rest = body;
        let [version] = *take::<1>(&mut rest, WHAT)?;
        if version != VERSION {
            return Err(PeerError::Version(version.into()));
        }
        let link = Self {
            room: (*take::<16>(&mut rest, WHAT)?).into(),
            secret: *take::<32>(&mut rest, WHAT)?,
            inviter: (*take::<16>(&mut rest, WHAT)?).into(),
            epoch: u64::from_be_bytes(*take::<8>(&mut rest, WHAT)?),
        };
        let is_whole = rest.is_empty() && checksum(body) == *sum;
        if is_whole { Ok(link) } else { Err(PeerError::Malformed(WHAT)) }
    }
}

fn checksum(before: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] =
        Sha256::new().chain_update(labels::LINK).chain_update(before).finalize().into();
    [a, b, c, d]
}
