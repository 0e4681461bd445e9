//! Whether this browser's storage does what the engine needs: the engine's own suite, run on a database that is thrown away.
//!
//! For people whose browser behaves oddly, at `/#/check`; and for the tests.

use super::busy::Busy;
use super::icon::{Draw, Icon};
use crate::platform::store::IdbStore;
use crate::words::{self, sentence};
use dioxus::prelude::*;
use sotto_client_core::store_conformance;

const DATABASE: &str = "sotto-check";

/// Runs the suite and says how it ended.
#[component]
pub fn Check() -> Element {
    let outcome = use_resource(check);
    let (state, icon) = match &*outcome.read() {
        None => ("checking", Icon::Clock),
        Some(Ok(())) => ("passed", Icon::Check),
        Some(Err(_)) => ("failed", Icon::Alert),
    };
    rsx! {
        section { class: "card", "data-testid": "storage-check", "data-outcome": state,
            span { class: "card-mark", Draw { icon } }
            h1 { {words::CHECK} }
            match &*outcome.read() {
                None => rsx! {
                    Busy { words: words::CHECKING }
                },
                Some(Ok(())) => rsx! {
                    p { {words::CHECK_PASSED} }
                },
                Some(Err(why)) => rsx! {
                    p { {sentence(why)} }
                },
            }
        }
    }
}

async fn check() -> Result<(), String> {
    // Left over where an earlier check was cut short.
    IdbStore::remove(DATABASE).await.map_err(|error| error.to_string())?;
    let store = IdbStore::open(DATABASE).await.map_err(|error| error.to_string())?;
    let outcome = store_conformance::check(&store).await;
    drop(store);
    IdbStore::remove(DATABASE).await.map_err(|error| error.to_string())?;
    outcome
}
