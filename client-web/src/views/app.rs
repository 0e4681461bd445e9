//! The root: starts the platform's loop and shows how far it has come.

use super::broken::Broken;
use super::keys::{Shortcut, shortcut_of};
use super::shell::Shell;
use crate::model::route::Route;
use crate::platform::driver::{self, Wake};
use crate::platform::{address, dom, prefs};
use crate::state::{Overlay, Phase, Ui};
use dioxus::prelude::*;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

/// What the page does by itself.
enum Outside {
    Went(Route),
    Pressed(Shortcut),
    Narrowed(bool),
}

/// The application.
#[component]
pub fn App() -> Element {
    let ui = use_context_provider(|| {
        let (wakes, happened) = unbounded();
        let ui = Ui::new(wakes.clone());
        let outside = listen(wakes.clone());
        spawn(driver::run(ui, wakes, happened));
        spawn(follow(ui, outside));
        prefs::apply_theme(prefs::theme());
        ui
    });
    use_effect(dom::remove_boot_screen);
    match &*ui.phase.read() {
        Phase::Opening => rsx! {
            div { class: "opening", role: "status", aria_busy: true }
        },
        Phase::Ready => rsx! {
            Shell {}
        },
        Phase::Broken(trouble) => rsx! {
            Broken { trouble: trouble.clone() }
        },
    }
}

/// Events of the page come from outside of the views' runtime: they are queued, and handled within it.
fn listen(wakes: UnboundedSender<Wake>) -> UnboundedReceiver<Outside> {
    let (sender, receiver) = unbounded();
    let (went, narrowed) = (sender.clone(), sender.clone());
    dom::on_narrow(move |is_narrow| drop(narrowed.unbounded_send(Outside::Narrowed(is_narrow))));
    address::on_change(move |route| drop(went.unbounded_send(Outside::Went(route))));
    dom::on_key(move |event| {
        if let Some(shortcut) = shortcut_of(&event, dom::is_typing()) {
            event.prevent_default();
            drop(sender.unbounded_send(Outside::Pressed(shortcut)));
        }
    });
    dom::on_return(move || drop(wakes.unbounded_send(Wake::Returned)));
    receiver
}

async fn follow(mut ui: Ui, mut outside: UnboundedReceiver<Outside>) {
    while let Ok(event) = outside.recv().await {
        match event {
            Outside::Went(route) => {
                if *ui.route.peek() != route {
                    ui.arrive(route);
                }
            }
            Outside::Pressed(shortcut) => act(ui, shortcut),
            Outside::Narrowed(is_narrow) => ui.is_narrow.set(is_narrow),
        }
    }
}

fn act(mut ui: Ui, shortcut: Shortcut) {
    let overlay = *ui.overlay.peek();
    let route = ui.route.peek().clone();
    match shortcut {
        Shortcut::Close => match (overlay, route) {
            (Overlay::None, Route::Details(room)) => ui.replace(Route::Room(room)),
            (Overlay::None, Route::NewRoom | Route::OpenLink | Route::About) => ui.go(Route::Home),
            _ => ui.overlay.set(Overlay::None),
        },
        Shortcut::Switcher => ui.overlay.set(Overlay::Switcher),
        Shortcut::Help => ui.overlay.set(Overlay::Shortcuts),
        Shortcut::Above => go_by(ui, -1),
        Shortcut::Below => go_by(ui, 1),
    }
}

/// Goes to the room above or below the open one.
fn go_by(ui: Ui, by: isize) {
    let rooms: Vec<_> = ui.rooms.peek().iter().map(|summary| summary.view.id).collect();
    let open = ui.route.peek().room();
    let here = rooms.iter().position(|room| Some(*room) == open);
    let there = here.map_or(Some(0), |here| here.checked_add_signed(by));
    if let Some(room) = there.and_then(|there| rooms.get(there)) {
        ui.go(Route::Room(*room));
    }
}
