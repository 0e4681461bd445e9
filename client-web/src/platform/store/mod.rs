//! The engine's storage in this browser: IndexedDB, every value sealed, one tab at a time.
//!
//! The database's keys are `table || key` as bytes and stay readable: random ids and sequence numbers. A [`Transaction`] holds a Web Lock
//! for as long as it lives; inside it every read is an IndexedDB transaction of its own, because IndexedDB ends one as soon as it is
//! not kept busy, and opening a value takes that long. What is written is sealed first, then written in one.

mod database;
mod error;
mod seal;

pub use error::StoreError;

use super::locks::{self, Held};
use js_sys::Uint8Array;
use seal::Sealer;
use sotto_client_core::{Change, Scan, Store, Table, Transaction, Value};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, IdbDatabase, IdbKeyRange};

const KEY_NAME: &str = "values";

/// The storage of this browser's profile.
pub struct IdbStore {
    name: &'static str,
    database: IdbDatabase,
    sealer: Sealer,
}

impl IdbStore {
    /// Opens the storage of a name, and makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError::NotSecure`] and [`StoreError::Unavailable`] where this page may have none.
    pub async fn open(name: &'static str) -> Result<Self, StoreError> {
        let window = web_sys::window().ok_or(StoreError::Unavailable)?;
        if !window.is_secure_context() {
            return Err(StoreError::NotSecure);
        }
        if !locks::are_available() {
            return Err(StoreError::Unavailable);
        }
        let crypto = window.crypto()?;
        // Two tabs opened at once must not make two keys.
        let held = locks::acquire(&lock_of(name)).await?;
        let database = database::open(name).await?;
        let key = match load_key(&database).await? {
            Some(key) => key,
            None => {
                let key = seal::generate_key(&crypto).await?;
                let (transaction, keys) = database::write(&database, database::KEYS)?;
                keys.put_with_key(&key, &KEY_NAME.into())?;
                database::committed(&transaction).await?;
                key
            }
        };
        drop(held);
        Ok(Self { name, database, sealer: Sealer::new(crypto, key) })
    }

    /// Removes the storage of a name with all that is in it.
    ///
    /// # Errors
    /// The browser's.
    pub async fn remove(name: &str) -> Result<(), StoreError> {
        database::remove(name).await
    }
}

/// One lock for all tabs of an origin.
fn lock_of(name: &str) -> String {
    format!("{name}-store")
}

async fn load_key(database: &IdbDatabase) -> Result<Option<CryptoKey>, StoreError> {
    let found = database::finished(&database::read(database, database::KEYS)?.get(&KEY_NAME.into())?).await?;
    if found.is_undefined() {
        return Ok(None);
    }
    found.dyn_into().map(Some).map_err(|_| StoreError::Damaged)
}

impl Store for IdbStore {
    type Error = StoreError;
    type Transaction<'a> = IdbTransaction<'a>;

    async fn begin(&self) -> Result<IdbTransaction<'_>, StoreError> {
        Ok(IdbTransaction { store: self, _held: locks::acquire(&lock_of(self.name)).await? })
    }
}

/// A transaction: excludes those of other tabs until it is dropped.
pub struct IdbTransaction<'a> {
    store: &'a IdbStore,
    _held: Held,
}

impl Transaction for IdbTransaction<'_> {
    type Error = StoreError;

    async fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Value>, StoreError> {
        let address = address(table, key);
        let records = database::read(&self.store.database, database::RECORDS)?;
        let found = database::finished(&records.get(&binary(&address))?).await?;
        if found.is_undefined() {
            return Ok(None);
        }
        let opening = self.store.sealer.open(&address, found.unchecked_ref())?;
        seal::opened(opening).await.map(Some)
    }

    async fn scan(&mut self, scan: Scan) -> Result<Vec<(Vec<u8>, Value)>, StoreError> {
        let Some(range) = range(&scan)? else { return Ok(Vec::new()) };
        let records = database::read(&self.store.database, database::RECORDS)?;
        let rows = database::rows(&records, &range, scan.descending, scan.limit).await?;
        let mut opening = Vec::with_capacity(rows.len());
        for (key, sealed) in rows {
            let address = key.to_vec();
            let value = self.store.sealer.open(&address, &sealed)?;
            opening.push((address, value));
        }
        let mut found = Vec::with_capacity(opening.len());
        for (address, value) in opening {
            let key = address.get(1..).unwrap_or_default().to_vec();
            found.push((key, seal::opened(value).await?));
        }
        Ok(found)
    }

    async fn commit(self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut sealing = Vec::with_capacity(changes.len());
        for change in &changes {
            sealing.push(match change {
                Change::Put(table, key, value) => {
                    let address = address(*table, key);
                    let sealed = self.store.sealer.seal(&address, value)?;
                    (address, Some(sealed))
                }
                Change::Delete(table, key) => (address(*table, key), None),
            });
        }
        let mut writes = Vec::with_capacity(sealing.len());
        for (address, sealed) in sealing {
            let sealed = match sealed {
                Some(sealed) => Some(sealed.finish().await?),
                None => None,
            };
            writes.push((address, sealed));
        }
        if writes.is_empty() {
            return Ok(());
        }
        let (transaction, records) = database::write(&self.store.database, database::RECORDS)?;
        for (address, sealed) in writes {
            match sealed {
                Some(sealed) => records.put_with_key(&sealed, &binary(&address))?,
                None => records.delete(&binary(&address))?,
            };
        }
        database::committed(&transaction).await
    }
}

/// `table || key`
fn address(table: Table, key: &[u8]) -> Vec<u8> {
    let mut address = Vec::with_capacity(1 + key.len());
    address.push(table.code());
    address.extend_from_slice(key);
    address
}

fn binary(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).buffer().into()
}

/// The range of a scan, or `None` where nothing can be in it.
fn range(scan: &Scan) -> Result<Option<IdbKeyRange>, StoreError> {
    let prefix = address(scan.table, &scan.prefix);
    let (lower, is_lower_open) = match &scan.after {
        Some(after) => (address(scan.table, after), true),
        None => (prefix.clone(), false),
    };
    // Table codes are small, so a successor of the prefix always exists.
    let upper = match &scan.before {
        Some(before) => address(scan.table, before),
        None => successor(prefix.clone()),
    };
    let lower = if lower < prefix { prefix.clone() } else { lower };
    let upper = upper.min(successor(prefix));
    if lower >= upper {
        return Ok(None);
    }
    Ok(Some(IdbKeyRange::bound_with_lower_open_and_upper_open(
        &binary(&lower),
        &binary(&upper),
        is_lower_open,
        true,
    )?))
}

/// The smallest byte string that is larger than all that begin so.
fn successor(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            break;
        }
    }
    prefix
}
