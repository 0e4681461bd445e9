//! Web Locks: what one tab holds, no other tab of this origin holds at the same time.
//!
//! Asked for by name through `Reflect`, because web-sys has them only behind an unstable flag.

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// A lock that is held until this is dropped.
pub struct Held {
    release: Function,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Resolving a promise cannot fail.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

type Grant = oneshot::Sender<Result<(), JsValue>>;

/// Waits until the lock is free, and takes it.
///
/// # Errors
/// The browser's, where it has no locks or refuses.
pub async fn acquire(name: &str) -> Result<Held, JsValue> {
    let locks = manager()?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;

    let mut release = None;
    let hold = Promise::new(&mut |resolve, _| release = Some(resolve));
    let release = release.ok_or(JsValue::UNDEFINED)?;

    let (grant, granted) = oneshot::channel();
    let grant: Rc<RefCell<Option<Grant>>> = Rc::new(RefCell::new(Some(grant)));
    let on_grant = {
        let grant = Rc::clone(&grant);
        Closure::once_into_js(move |_lock: JsValue| {
            let is_wanted = grant.borrow_mut().take().is_some_and(|grant| grant.send(Ok(())).is_ok());
            // Nobody waits any more: `undefined` lets the lock go at once.
            if is_wanted { JsValue::from(hold) } else { JsValue::UNDEFINED }
        })
    };
    let options = Object::new();
    Reflect::set(&options, &"mode".into(), &"exclusive".into())?;
    let outcome: Promise = request.call3(&locks, &name.into(), &options, &on_grant)?.dyn_into()?;
    spawn_local(async move {
        let Err(refusal) = JsFuture::from(outcome).await else { return };
        if let Some(grant) = grant.borrow_mut().take() {
            let _ = grant.send(Err(refusal));
        }
    });
    match granted.await {
        Ok(Ok(())) => Ok(Held { release }),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => Err(JsValue::UNDEFINED),
    }
}

/// Whether this page may use locks: only on secure origins.
pub fn are_available() -> bool {
    manager().is_ok()
}

fn manager() -> Result<JsValue, JsValue> {
    let navigator = web_sys::window().ok_or(JsValue::UNDEFINED)?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into())?;
    if locks.is_object() { Ok(locks) } else { Err(JsValue::UNDEFINED) }
}
