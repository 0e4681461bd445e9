//! Light or dark.

use super::super::icon::{Draw, Icon};
use crate::platform::prefs::{self, Theme};
use crate::words;
use dioxus::prelude::*;

/// A button that goes through the three choices.
#[component]
pub fn ThemeToggle() -> Element {
    let mut theme = use_signal(prefs::theme);
    let (icon, words, next) = match theme() {
        Theme::System => (Icon::Half, words::THEME_SYSTEM, Theme::Light),
        Theme::Light => (Icon::Sun, words::THEME_LIGHT, Theme::Dark),
        Theme::Dark => (Icon::Moon, words::THEME_DARK, Theme::System),
    };
    rsx! {
        button {
            class: "icon-button",
            title: words,
            aria_label: words,
            "data-testid": "theme-toggle",
            onclick: move |_| {
                prefs::set_theme(next);
                theme.set(next);
            },
            Draw { icon }
        }
    }
}
