//! Where a profile lies, and which relay it uses.
//!
//! ```text
//! PROFILE/key              the storage key, 0600
//! PROFILE/relays/HOST/     what belongs to one relay: each has an identity of its own
//! …/address                the relay's address, once a room was made or joined there
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
    if relay.is_exposed() && !place.allow_http {
        return Err(Failure::new(
            format!("{} is not encrypted on the way (http)", relay.origin()),
            "Messages are end-to-end encrypted all the same, but others on the way see who talks to whom and when, and can answer \
             in the relay's place. Use an https:// address, or give --allow-http if you accept that.",
        ));
    }
    let store = SqliteStore::open(&profile, &relay_folder(&profile, &relay)).await?;
    Ok((relay, store))
}

/// From now on the profile uses this relay by itself, if it uses no other.
pub fn remember(place: &Place, relay: &RelayAddress) -> Result<(), Failure> {
    let address = relay_folder(&folder(place)?, relay).join("address");
    if address.exists() {
        return Ok(());
    }
    fs::write(&address, relay.origin()).map_err(|error| {
        Failure::new(
            format!("{} cannot be written: {error}", address.display()),
            "Make the folder writable for you, and check that the disk has space.",
        )
    })
}

fn relay_folder(profile: &Path, relay: &RelayAddress) -> PathBuf {
    profile.join("relays").join(folder_name(relay))
}

fn folder(place: &Place) -> Result<PathBuf, Failure> {
    if let Some(profile) = &place.profile {
        return Ok(profile.clone());
    }
    etcetera::choose_base_strategy().map(|strategy| strategy.data_dir().join("sotto")).map_err(|_| {
        Failure::new("there is no home folder to keep a profile in", "Name one with --profile DIR.")
    })
}

/// The relay that the profile uses, if it uses exactly one: one at which it has made or joined a room.
fn used_relay(profile: &Path) -> Option<RelayAddress> {
    let folders = fs::read_dir(profile.join("relays")).ok()?.flatten();
    let mut addresses = folders.filter_map(|folder| fs::read_to_string(folder.path().join("address")).ok());
    match (addresses.next(), addresses.next()) {
        (Some(only), None) => RelayAddress::parse(&only).ok(),
        _ => None,
    }
}

/// The address without what a folder's name cannot have on some system; no host has a plus sign, so no two are alike.
fn folder_name(relay: &RelayAddress) -> String {
    relay.origin().replace("://", "+").replace([':', '[', ']'], "+")
}
