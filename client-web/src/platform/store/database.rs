//! IndexedDB as promises: just what the store needs of it.
//!
//! Through web-sys and not a wrapper crate, because writes must be `durability: "strict"`, which the wrappers do not pass on.

use super::error::StoreError;
use futures_channel::oneshot;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    DomException, IdbCursorDirection, IdbCursorWithValue, IdbDatabase, IdbKeyRange, IdbObjectStore,
    IdbOpenDbRequest, IdbRequest, IdbRequestReadyState, IdbTransaction,
};

const VERSION: u32 = 1;

/// Sealed records, by `table || key`.
pub const RECORDS: &str = "records";
/// The browser's own key objects, by name.
pub const KEYS: &str = "keys";

/// Opens the database and makes its object stores where they are missing.
pub async fn open(name: &str) -> Result<IdbDatabase, StoreError> {
    let factory = web_sys::window().and_then(|window| window.indexed_db().ok().flatten());
    let request: IdbOpenDbRequest = factory.ok_or(StoreError::Unavailable)?.open_with_u32(name, VERSION)?;
    let upgrade = {
        let request = request.clone();
        Closure::once_into_js(move || {
            if let Ok(database) = request.result().map(JsCast::unchecked_into::<IdbDatabase>) {
                // A failure here aborts the upgrade, which fails the request.
                let _ = database.create_object_store(RECORDS);
                let _ = database.create_object_store(KEYS);
            }
        })
    };
    request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
    let database: IdbDatabase = finished(&request).await?.unchecked_into();

    // A later version of this page in another tab needs the database to itself: let it.
    let closing = database.clone();
    let close = Closure::<dyn FnMut()>::new(move || closing.close());
    database.set_onversionchange(Some(close.as_ref().unchecked_ref()));
    close.forget();
    Ok(database)
}

/// Removes a whole database.
pub async fn remove(name: &str) -> Result<(), StoreError> {
    let factory = web_sys::window().and_then(|window| window.indexed_db().ok().flatten());
    let request = factory.ok_or(StoreError::Unavailable)?.delete_database(name)?;
    finished(&request).await.map(drop)
}

/// An object store for reading.
pub fn read(database: &IdbDatabase, name: &str) -> Result<IdbObjectStore, StoreError> {
    Ok(database.transaction_with_str(name)?.object_store(name)?)
}

/// An object store for writing; all that is written through it is on disk, or none of it, once [`committed`] is done.
pub fn write(database: &IdbDatabase, name: &str) -> Result<(IdbTransaction, IdbObjectStore), StoreError> {
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let begin: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
    let transaction: IdbTransaction =
        begin.call3(database, &name.into(), &"readwrite".into(), &options)?.dyn_into()?;
    let store = transaction.object_store(name)?;
    Ok((transaction, store))
}

/// Waits for a request's result.
pub async fn finished(request: &IdbRequest) -> Result<JsValue, StoreError> {
    if request.ready_state() == IdbRequestReadyState::Done {
        return outcome(request);
    }
    each_success(request, |result| Ok(ControlFlow::Break(result))).await
}

/// Hands every result of a request to `step`, within the event that brings it, until that has enough.
async fn each_success<T: 'static>(
    request: &IdbRequest,
    mut step: impl FnMut(JsValue) -> Result<ControlFlow<T>, StoreError> + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let callback = {
        let request = request.clone();
        Closure::<dyn FnMut()>::new(move || {
            let last = match outcome(&request).and_then(&mut step) {
                Ok(ControlFlow::Continue(())) => return,
                Ok(ControlFlow::Break(result)) => Ok(result),
                Err(error) => Err(error),
            };
            if let Some(sender) = sender.take() {
                let _ = sender.send(last);
            }
        })
    };
    request.set_onsuccess(Some(callback.as_ref().unchecked_ref()));
    request.set_onerror(Some(callback.as_ref().unchecked_ref()));
    let last = receiver.await;
    request.set_onsuccess(None);
    request.set_onerror(None);
    last.unwrap_or_else(|_| Err(StoreError::Other("cancelled".to_owned())))
}

fn outcome(request: &IdbRequest) -> Result<JsValue, StoreError> {
    match request.error() {
        Ok(Some(error)) => Err(StoreError::from_js(&error)),
        _ => request.result().map_err(StoreError::from),
    }
}

/// Waits until a transaction is on disk.
pub async fn committed(transaction: &IdbTransaction) -> Result<(), StoreError> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let answer = move |outcome: Result<(), StoreError>| {
        if let Some(sender) = sender.borrow_mut().take() {
            let _ = sender.send(outcome);
        }
    };
    let on_complete = {
        let answer = answer.clone();
        Closure::<dyn FnMut()>::new(move || answer(Ok(())))
    };
    let on_abort = {
        let transaction = transaction.clone();
        Closure::<dyn FnMut()>::new(move || {
            let why: Option<DomException> = transaction.error();
            answer(Err(why.map_or(StoreError::Other("abort".to_owned()), |why| StoreError::from_js(&why))));
        })
    };
    transaction.set_oncomplete(Some(on_complete.as_ref().unchecked_ref()));
    transaction.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
    let outcome = receiver.await;
    transaction.set_oncomplete(None);
    transaction.set_onabort(None);
    outcome.unwrap_or_else(|_| Err(StoreError::Other("cancelled".to_owned())))
}

/// Keys and values of a range, at most `limit`, in the order of their keys or against it.
pub async fn rows(
    store: &IdbObjectStore,
    range: &IdbKeyRange,
    is_descending: bool,
    limit: usize,
) -> Result<Vec<(Uint8Array, Uint8Array)>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    if is_descending && limit != usize::MAX {
        return rows_by_cursor(store, range, limit).await;
    }
    let limit = u32::try_from(limit).ok();
    let (keys, values) = match limit {
        Some(limit) => (
            store.get_all_keys_with_key_and_limit(range, limit)?,
            store.get_all_with_key_and_limit(range, limit)?,
        ),
        None => (store.get_all_keys_with_key(range)?, store.get_all_with_key(range)?),
    };
    let keys: Array = finished(&keys).await?.unchecked_into();
    // The values' request was made in the same transaction before waiting, so both see the same rows.
    let values: Array = finished(&values).await?.unchecked_into();
    let mut rows: Vec<_> = keys
        .iter()
        .zip(values.iter())
        .map(|(key, value)| (Uint8Array::new(&key), value.unchecked_into()))
        .collect();
    if is_descending {
        rows.reverse();
    }
    Ok(rows)
}

async fn rows_by_cursor(
    store: &IdbObjectStore,
    range: &IdbKeyRange,
    limit: usize,
) -> Result<Vec<(Uint8Array, Uint8Array)>, StoreError> {
    let request = store.open_cursor_with_range_and_direction(range, IdbCursorDirection::Prev)?;
    let mut rows = Vec::new();
    each_success(&request, move |result| {
        let Ok(cursor) = result.dyn_into::<IdbCursorWithValue>() else {
            return Ok(ControlFlow::Break(std::mem::take(&mut rows)));
        };
        rows.push((Uint8Array::new(&cursor.key()?), cursor.value()?.unchecked_into()));
        if rows.len() == limit {
            return Ok(ControlFlow::Break(std::mem::take(&mut rows)));
        }
        // Only while its event is being handled may a cursor go on.
        cursor.continue_()?;
        Ok(ControlFlow::Continue(()))
    })
    .await
}
