//! Settings that are valid one by one and contradict each other.

use super::Finding;
use crate::blob::BlobPlace;
use crate::config::{Config, Database};
use crate::push::PushHosts;

/// What is wrong with the settings as a whole; no file is read.
#[must_use]
pub fn contradictions(config: &Config) -> Vec<Finding> {
    let is_sqlite = matches!(config.database, Database::Sqlite);
    let Config { tuning, blobs, push, .. } = config;
    let looked_at = [
        (
            is_sqlite && config.nats.is_some(),
            "nats",
            "a NATS server is set, and SQLite is not shared",
            "leave --nats out, or set --database",
        ),
        (
            !is_sqlite && config.max_database_bytes.is_some(),
            "max_database_bytes",
            "a bound of the database is set, and holds for SQLite alone",
            "leave --max-database-bytes out, and bound the server's disk",
        ),
        (
            blobs.endpoint.is_some() && !matches!(blobs.place, BlobPlace::Bucket { .. }),
            "blobs_endpoint",
            "the address of an object store is set, and files are not kept in one",
            "set --blobs s3://bucket/prefix, or leave --blobs-endpoint out",
        ),
        (
            blobs.place != BlobPlace::Off && blobs.max_bytes > blobs.quota_bytes,
            "max_blob_bytes",
            "the longest file is longer than all files together may be",
            "raise --blobs-quota-bytes, or lower --max-blob-bytes",
        ),
        (
            push.hosts != PushHosts::default() && push.contact.is_none(),
            "push_hosts",
            "push services are set, and nobody is woken without a contact",
            "set --push-contact, or leave --push-hosts out",
        ),
        (
            tuning.ping_after >= tuning.drop_after,
            "timeouts",
            "a connection is given up before it is asked for a sign of life",
            "set ping shorter than silence in --timeouts",
        ),
    ];
    looked_at
        .into_iter()
        .filter(|(is_wrong, ..)| *is_wrong)
        .map(|(_, what, state, help)| Finding { what, state: Err((state.to_owned(), help.to_owned())) })
        .collect()
}
