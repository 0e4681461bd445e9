//! What the engine needs of a platform's storage: an ordered map of sealed values, and transactions that exclude each
//! other across processes and tabs.
//!
//! The platform seals every value under a key that never leaves it, bound to table and key, so that values cannot be
//! swapped. Keys of the map are random ids and sequence numbers and stay readable.

use core::future::Future;
use zeroize::Zeroizing;

/// A value, wiped when dropped.
pub type Value = Zeroizing<Vec<u8>>;

/// The engine's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One record: who this profile is.
    Profile,
    /// `room`: what changes with a handshake (settings, own invites, epochs not yet read through).
    Room,
    /// `room`: the MLS group's state.
    Group,
    /// `room`: how far the log is read and verified.
    Cursor,
    /// `room || seq`: the chain's hash and what was shown for the entry.
    Log,
    /// `room || account || message id`: messages already shown, against duplicates.
    Seen,
    /// `room || position`: what waits to be sent.
    Outbox,
    /// `room`: a join that the relay has not acknowledged.
    Join,
    /// `room` (or nothing, for the profile): counts commits, so that another process's writes are noticed.
    Revision,
    /// `room`: what is left of a room that this device is not in any more, without keys.
    Ended,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 10] = [
        Self::Profile,
        Self::Room,
        Self::Group,
        Self::Cursor,
        Self::Log,
        Self::Seen,
        Self::Outbox,
        Self::Revision,
        Self::Join,
        Self::Ended,
    ];

    /// The table's number: stored, so never reused.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Profile => 1,
            Self::Room => 2,
            Self::Group => 3,
            Self::Cursor => 4,
            Self::Log => 5,
            Self::Seen => 6,
            Self::Outbox => 7,
            Self::Revision => 8,
            Self::Join => 9,
            Self::Ended => 10,
        }
    }
}

/// One write.
#[derive(Clone)]
pub enum Change {
    /// Insert or replace.
    Put(Table, Vec<u8>, Value),
    /// Remove, if there.
    Delete(Table, Vec<u8>),
}

impl Change {
    /// Whether keys may be among what is replaced or removed: then no old copy of it may last.
    #[must_use]
    pub const fn erases_keys(&self) -> bool {
        let (Self::Put(table, ..) | Self::Delete(table, _)) = self;
        matches!(table, Table::Room | Table::Group | Table::Join)
    }
}

/// A range of one table's keys, all of which begin with `prefix`.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Which table.
    pub table: Table,
    /// What the keys begin with.
    pub prefix: Vec<u8>,
    /// Exclusive lower end (a whole key), if any.
    pub after: Option<Vec<u8>>,
    /// Exclusive upper end (a whole key), if any.
    pub before: Option<Vec<u8>>,
    /// From the largest key down instead of from the smallest up.
    pub descending: bool,
    /// At most so many rows.
    pub limit: usize,
}

impl Scan {
    /// Everything whose key begins with `prefix`, in order.
    #[must_use]
    pub const fn all(table: Table, prefix: Vec<u8>) -> Self {
        Self { table, prefix, after: None, before: None, descending: false, limit: usize::MAX }
    }
}

/// A platform's storage.
pub trait Store {
    /// What can go wrong.
    type Error: core::error::Error + 'static;
    /// A transaction of this store.
    type Transaction<'a>: Transaction<Error = Self::Error>
    where
        Self: 'a;

    /// Waits until no other transaction is open on this profile, in this or any other process or tab, and opens one.
    ///
    /// # Errors
    /// The platform's, where storage cannot be reached.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction<'_>, Self::Error>>;
}

/// A transaction: reads see all that was committed before; dropping it without [`Transaction::commit`] changes nothing.
pub trait Transaction {
    /// What can go wrong.
    type Error: core::error::Error + 'static;

    /// One value.
    ///
    /// # Errors
    /// The platform's; also where a stored value does not open under the store's key.
    fn get(&mut self, table: Table, key: &[u8]) -> impl Future<Output = Result<Option<Value>, Self::Error>>;

    /// Keys and values of a range.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    fn scan(&mut self, scan: Scan) -> impl Future<Output = Result<Vec<(Vec<u8>, Value)>, Self::Error>>;

    /// Writes all changes, durably, or none.
    ///
    /// # Errors
    /// The platform's; then nothing was written.
    fn commit(self, changes: Vec<Change>) -> impl Future<Output = Result<(), Self::Error>>;
}

/// CBOR byte strings that are wiped when dropped: for values that hold keys inside of other values.
pub(crate) mod wiped_bytes {
    use super::Value;
    use minicbor::{
        Decoder, Encoder,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub fn encode<C, W: Write>(
        bytes: &Value,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(bytes)?.ok()
    }

    pub fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Value, DecodeError> {
        decoder.bytes().map(|bytes| Value::new(bytes.to_vec()))
    }
}
