//! A blob begins: with its length, its token, and how long it is to be kept. Space for all of it is kept at once, so that an
//! upload that began is not refused later.

use super::fault::{full, internal, wait};
use super::quota::NotNow;
use super::{Blobs, hash, is_token};
use crate::store::{NewBlob, Reserved, StoredBlob};
use sotto_protocol::BlobId;
use sotto_protocol::blob::{BlobError, BlobErrorCode, BlobToken, KEEP_MAX_DAYS};
use std::net::IpAddr;

/// Once less than this part of the place is free, new blobs are kept for so many days at most: a flood of uploads is gone soon.
const SCARCE_PART: u64 = 4;
const SCARCE_DAYS: u32 = 14;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Creation {
    /// How long it is going to be.
    pub length: u64,
    /// Permits to append and to delete.
    pub token: BlobToken,
    /// For how many days it is to be kept; none for as long as the relay keeps any.
    pub keep_days: Option<u32>,
}

/// A blob that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// How much of it is there.
    pub offset: u64,
    /// For how many days it will be kept; none for no end.
    pub keep_days: Option<u32>,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl Blobs {
    /// Makes a blob. The same again gives the same: an answer may get lost.
    pub(crate) async fn create(
        &self,
        address: IpAddr,
        id: &BlobId,
        asked: &Creation,
    ) -> Result<Begun, BlobError> {
        self.place()?;
        let max = self.settings.max_bytes;
        if asked.length == 0 {
            return Err(BlobErrorCode::Malformed.into());
        }
        if asked.length > max {
            return Err(BlobError::with_limit(BlobErrorCode::LimitExceeded, max));
        }
        if asked.keep_days.is_some_and(|days| days == 0 || days > KEEP_MAX_DAYS) {
            return Err(BlobError::with_limit(BlobErrorCode::LimitExceeded, KEEP_MAX_DAYS.into()));
        }
        let used = self.store.used_bytes().await.map_err(internal)?;
        let free = self.settings.quota_bytes.saturating_sub(used);
        let is_scarce = free < self.settings.quota_bytes / SCARCE_PART;
        let usual_days = at_most(asked.keep_days, self.settings.max_days);
        let scarce_days = at_most(some(usual_days), Some(SCARCE_DAYS));
        let keep_days = if is_scarce { scarce_days } else { usual_days };
        let new = NewBlob {
            id_hash: hash(id.as_bytes()),
            token_hash: hash(asked.token.expose()),
            length: asked.length,
            keep_days,
            until_day: self.today().saturating_add(1),
        };
        if let Some(there) = self.store.find(&new.id_hash).await.map_err(internal)? {
            // The place may have filled up, or emptied, since.
            let is_either = [usual_days, scarce_days].contains(&there.keep_days);
            let new = if is_either { NewBlob { keep_days: there.keep_days, ..new } } else { new };
            return again(&there, &new, &asked.token);
        }
        self.take_share(address, &new, free).await?;
        let reserved = self.store.create(&new, self.settings.quota_bytes).await.map_err(internal);
        if !matches!(reserved, Ok(Reserved::New)) {
            self.quota.give_back(address, new.length);
        }
        match reserved {
            Ok(Reserved::New) => Ok(Begun { offset: 0, keep_days: some(keep_days), is_new: true }),
            // The same came twice at once: it stays among the unfinished.
            Ok(Reserved::There(there)) if !there.is_whole() => again(&there, &new, &asked.token),
            other => {
                self.quota.end(address, &new.id_hash);
                match other? {
                    Reserved::There(there) => again(&there, &new, &asked.token),
                    Reserved::New | Reserved::Full => Err(full()),
                }
            }
        }
    }

    /// Takes it out of what the address may upload.
    async fn take_share(&self, address: IpAddr, new: &NewBlob, free: u64) -> Result<(), BlobError> {
        let max = self.settings.by_address.bytes_per_day;
        if new.length > max {
            return Err(BlobError::with_limit(BlobErrorCode::LimitExceeded, max));
        }
        let begin = || self.quota.begin(address, new.id_hash, (new.length, free));
        let begun = match begin() {
            Err(NotNow::Unfinished(ids)) => {
                // Some may have come to their end at another relay or from another address.
                for id in ids {
                    let there = self.store.find(&id).await.map_err(internal)?;
                    if there.is_none_or(|blob| blob.is_whole()) {
                        self.quota.end(address, &id);
                    }
                }
                begin()
            }
            begun => begun,
        };
        begun.map_err(|refused| match refused {
            NotNow::Wait(duration) => wait(duration),
            NotNow::Share => full(),
            NotNow::Unfinished(_) => {
                let max = self.settings.by_address.unfinished;
                BlobError::with_limit(BlobErrorCode::TooManyUnfinished, max.into())
            }
        })
    }
}

/// What was there before: the same, or another's.
fn again(there: &StoredBlob, new: &NewBlob, token: &BlobToken) -> Result<Begun, BlobError> {
    if !is_token(there, token) || there.length != new.length || there.keep_days != new.keep_days {
        return Err(BlobErrorCode::IdTaken.into());
    }
    Ok(Begun { offset: there.offset, keep_days: some(there.keep_days), is_new: false })
}

/// As many days as are asked for, if it may be so many; 0 for no end.
fn at_most(days: Option<u32>, max: Option<u32>) -> u32 {
    match (days, max) {
        (Some(days), Some(max)) => days.min(max),
        (days, max) => days.or(max).unwrap_or(0),
    }
}

fn some(keep_days: u32) -> Option<u32> {
    (keep_days > 0).then_some(keep_days)
}
