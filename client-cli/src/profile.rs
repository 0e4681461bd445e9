//! Where a profile lies, and which relay it uses.
//!
//! ```text
//! PROFILE/key              the storage key, 0600
//! PROFILE/relays/HOST/     what belongs to one relay: each has an identity of its own
//! ```

use crate::{args::Place, failure::Failure, store::SqliteStore};
use etcetera::BaseStrategy as _;
use sotto_client_core::RelayAddress;
use std::{
    fs,
    path::{Path, PathBuf},
};

const LOCAL_RELAY: &str = "http://127.0.0.1:8080";

/// The relay's address, and the storage for it.
pub async fn open(
    place: &Place,
    relay: Option<RelayAddress>,
) -> Result<(RelayAddress, SqliteStore), Failure> {
    let profile = folder(place)?;
    let relay = match (&place.relay, relay) {
        (Some(relay), _) => RelayAddress::parse(relay)?,
        (None, Some(relay)) => relay,
        (None, None) => used_relay(&profile).map_or_else(|| RelayAddress::parse(LOCAL_RELAY), Ok)?,
    };
    let relay_folder = profile.join("relays").join(folder_name(&relay));
    let store = SqliteStore::open(&profile, &relay_folder).await?;
    let address = relay_folder.join("address");
    if !address.exists() {
        fs::write(&address, relay.origin()).map_err(|error| {
            Failure::new(
                format!("{} cannot be written: {error}", address.display()),
                "Make the folder writable for you.",
            )
        })?;
    }
    Ok((relay, store))
}

fn folder(place: &Place) -> Result<PathBuf, Failure> {
    if let Some(profile) = &place.profile {
        return Ok(profile.clone());
    }
    etcetera::choose_base_strategy().map(|strategy| strategy.data_dir().join("sotto")).map_err(|_| {
        Failure::new("there is no home folder to keep a profile in", "Name one with --profile DIR.")
    })
}

/// The relay that the profile uses, if it uses exactly one.
fn used_relay(profile: &Path) -> Option<RelayAddress> {
    let mut folders = fs::read_dir(profile.join("relays")).ok()?.flatten();
    match (folders.next(), folders.next()) {
        (Some(only), None) => {
            let address = fs::read_to_string(only.path().join("address")).ok()?;
            RelayAddress::parse(&address).ok()
        }
        _ => None,
    }
}

/// The address without what a folder's name cannot have on some system; no host has a plus sign, so no two are alike.
fn folder_name(relay: &RelayAddress) -> String {
    relay.origin().replace("://", "+").replace([':', '[', ']'], "+")
}
