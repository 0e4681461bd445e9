//! What an operator can choose about blobs.

use crate::limit::Strictness;
use sotto_protocol::blob::BLOB_MAX_BYTES;
use std::str::FromStr;
use std::time::Duration;

const GIB: u64 = 1024 * 1024 * 1024;

/// How a relay keeps blobs.
#[derive(Debug, Clone)]
pub struct BlobSettings {
    /// Where.
    pub place: BlobPlace,
    /// Address of the object store, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// All blobs together, in bytes.
    pub quota_bytes: u64,
    /// The longest blob, in bytes.
    pub max_bytes: u64,
    /// No blob is kept longer, in days, whatever its uploader says; nothing: as long as they say. Without it a client that fills the place
    /// once has filled it for ever.
    pub max_days: Option<u32>,
    /// This much of the disk is left to the database, in bytes.
    pub keep_free_bytes: u64,
    /// What one address may do.
    pub by_address: BlobRates,
    /// Uploads at once. Each takes up to [`BlobSettings::piece_bytes`] of memory.
    pub uploads_at_once: u32,
    /// Downloads at once. Each takes some 100 KiB.
    pub downloads_at_once: u32,
    /// How much of an upload is made durable at once, in bytes.
    pub piece_bytes: usize,
    /// Up- and downloads may be slow, but not silent for longer than this.
    pub silence: Duration,
    /// Nor slower than this on the whole, in bytes a second: they hold a place of few.
    pub slowest_bytes_per_s: u64,
    /// How often blobs are removed whose time is over.
    pub sweep_every: Duration,
    /// Pieces without a blob are removed when they are as old as this.
    pub forgotten_after: Duration,
}

/// What one address may do with blobs.
#[derive(Debug, Clone, Copy)]
pub struct BlobRates {
    /// Requests of any kind at once, and then a tenth as many each second.
    pub requests: u32,
    /// Uploads begun in a day.
    pub uploads_per_day: u32,
    /// Bytes uploaded in a day.
    pub bytes_per_day: u64,
    /// No more of what is free in a day than one part of so many, and twice that for a network (of IPv4 24 bits, of IPv6 48); nothing: all of it.
    pub free_parts: Option<u32>,
    /// Uploads begun and not ended.
    pub unfinished: u32,
    /// Segments under way at once.
    pub segments: u32,
    /// Downloads under way at once.
    pub downloads: u32,
}

/// Where blobs are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BlobPlace {
    /// Nowhere: the relay takes none.
    Off,
    /// In the data folder.
    #[default]
    Disk,
    /// In an S3 bucket, or in anything that speaks S3.
    Bucket {
        /// Its name.
        name: String,
        /// What its objects' names begin with; may be empty.
        prefix: String,
    },
}

/// A place that is none.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("give `disk`, `off` or s3://bucket/prefix")]
pub struct NoBlobPlace;

impl FromStr for BlobPlace {
    type Err = NoBlobPlace;

    fn from_str(text: &str) -> Result<Self, NoBlobPlace> {
        match text {
            "disk" => return Ok(Self::Disk),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let rest = text.strip_prefix("s3://").ok_or(NoBlobPlace)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(NoBlobPlace);
        }
        Ok(Self::Bucket { name: name.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

impl Default for BlobSettings {
    fn default() -> Self {
        Self {
            place: BlobPlace::default(),
            endpoint: None,
            quota_bytes: 20 * GIB,
            max_bytes: BLOB_MAX_BYTES,
            max_days: Some(180),
            keep_free_bytes: GIB,
            by_address: BlobRates::default(),
            uploads_at_once: 64,
            downloads_at_once: 512,
            piece_bytes: 4 * 1024 * 1024,
            silence: Duration::from_secs(30),
            slowest_bytes_per_s: 4096,
            sweep_every: Duration::from_secs(3600),
            forgotten_after: Duration::from_secs(24 * 3600),
        }
    }
}

/// How slow an up- or download may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pacing {
    /// No longer silent than this.
    pub silence: Duration,
    /// Nor slower than this on the whole; not 0.
    pub slowest_bytes_per_s: u64,
}

impl BlobSettings {
    pub(super) fn pacing(&self) -> Pacing {
        Pacing { silence: self.silence, slowest_bytes_per_s: self.slowest_bytes_per_s.max(1) }
    }
}

impl BlobRates {
    /// All of them under that word.
    #[must_use]
    pub fn new(strictness: Strictness) -> Self {
        Self {
            requests: strictness.count(2000),
            uploads_per_day: strictness.count(1000),
            bytes_per_day: GIB.saturating_mul(strictness.count(8).into()),
            free_parts: match strictness {
                Strictness::Strict => Some(16),
                Strictness::Normal => Some(8),
                Strictness::Generous => Some(4),
                Strictness::Off => None,
            },
            unfinished: strictness.count(16),
            segments: strictness.count(16),
            downloads: strictness.count(64),
        }
    }
}

impl Default for BlobRates {
    fn default() -> Self {
        Self::new(Strictness::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_disk_or_a_bucket() {
        let bucket =
            |name: &str, prefix: &str| BlobPlace::Bucket { name: name.into(), prefix: prefix.into() };
        for (text, expected) in [
            ("disk", Some(BlobPlace::Disk)),
            ("off", Some(BlobPlace::Off)),
            ("s3://files", Some(bucket("files", ""))),
            ("s3://files/of/sotto/", Some(bucket("files", "of/sotto"))),
            ("s3://", None),
            ("s3://a b/c", None),
            ("https://files", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
