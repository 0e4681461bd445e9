//! A store in memory: for tests, and for a client that is to leave nothing behind.

use crate::store::{Change, Scan, Store, Table, Transaction, Value};
use core::{cell::RefCell, convert::Infallible, future::poll_fn, task::Poll};
use std::{collections::BTreeMap, rc::Rc};

type Rows = BTreeMap<(Table, Vec<u8>), Value>;

/// Rows in memory; clones share them, as processes share a disk.
#[derive(Clone, Default)]
pub struct MemoryStore {
    rows: Rc<RefCell<Rows>>,
    is_busy: Rc<RefCell<bool>>,
}

/// A transaction of a [`MemoryStore`].
pub struct MemoryTransaction<'a>(&'a MemoryStore);

impl Store for MemoryStore {
    type Error = Infallible;
    type Transaction<'a> = MemoryTransaction<'a>;

    async fn begin(&self) -> Result<MemoryTransaction<'_>, Infallible> {
        poll_fn(|context| {
            if self.is_busy.replace(true) {
                context.waker().wake_by_ref();
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        Ok(MemoryTransaction(self))
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        self.0.is_busy.replace(false);
    }
}

impl Transaction for MemoryTransaction<'_> {
    type Error = Infallible;

    async fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Value>, Infallible> {
        Ok(self.0.rows.borrow().get(&(table, key.to_vec())).cloned())
    }

    async fn scan(&mut self, scan: Scan) -> Result<Vec<(Vec<u8>, Value)>, Infallible> {
        let rows = self.0.rows.borrow();
        let is_in = |(table, key): &&(Table, Vec<u8>)| {
            *table == scan.table
                && key.starts_with(&scan.prefix)
                && scan.after.as_ref().is_none_or(|after| key > after)
                && scan.before.as_ref().is_none_or(|before| key < before)
        };
        let found =
            rows.iter().filter(|(key, _)| is_in(key)).map(|((_, key), value)| (key.clone(), value.clone()));
        Ok(if scan.descending {
            found.rev().take(scan.limit).collect()
        } else {
            found.take(scan.limit).collect()
        })
    }

    async fn commit(self, changes: Vec<Change>) -> Result<(), Infallible> {
        let mut rows = self.0.rows.borrow_mut();
        for change in changes {
            match change {
                Change::Put(table, key, value) => rows.insert((table, key), value),
                Change::Delete(table, key) => rows.remove(&(table, key)),
            };
        }
        Ok(())
    }
}
