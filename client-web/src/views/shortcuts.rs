//! The list of keyboard shortcuts.

use super::dialog::Dialog;
use super::icon::{Draw, Icon};
use crate::state::{Overlay, use_ui};
use crate::words;
use dioxus::prelude::*;

/// The list.
#[component]
pub fn Shortcuts() -> Element {
    let mut ui = use_ui();
    rsx! {
        Dialog { testid: "shortcuts", label: words::SHORTCUTS,
            header { class: "dialog-head",
                h2 { {words::SHORTCUTS} }
                button {
                    class: "icon-button",
                    aria_label: words::CLOSE,
                    onclick: move |_| ui.overlay.set(Overlay::None),
                    Draw { icon: Icon::Close }
                }
            }
            dl { class: "keys",
                for (keys , what) in words::SHORTCUT_LIST {
                    div { key: "{keys}",
                        dt {
                            for key in keys.split(' ') {
                                kbd { {key} }
                            }
                        }
                        dd { {what} }
                    }
                }
            }
        }
    }
}
