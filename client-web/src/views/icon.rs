//! Small drawings, in the colour of the text around them. They mean nothing to a screen reader: what they stand for is said in words.

use dioxus::prelude::*;

/// Which drawing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A plus.
    Plus,
    /// Two links of a chain.
    Link,
    /// A closed lock.
    Lock,
    /// An arrow to the left.
    Back,
    /// A cross.
    Close,
    /// Two people.
    People,
    /// An arrow downwards.
    Down,
    /// An arrow upwards.
    Send,
    /// A clock.
    Clock,
    /// A check mark.
    Check,
    /// A circle with an exclamation mark.
    Alert,
    /// A circle with the letter i.
    About,
    /// Two sheets of paper.
    Copy,
    /// A sun.
    Sun,
    /// A moon.
    Moon,
    /// A circle, half filled.
    Half,
    /// A keyboard.
    Keyboard,
    /// An atom.
    Atom,
    /// A chain of marks.
    History,
    /// A cloud, crossed out.
    Offline,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Plus => "M12 5v14M5 12h14",
            Self::Link => {
                "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1"
            }
            Self::Lock => {
                "M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z"
            }
            Self::Back => "M15 5l-7 7 7 7",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::People => {
                "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8"
            }
            Self::Down => "M12 5v14M6 13l6 6 6-6",
            Self::Send => "M12 19V5M6 11l6-6 6 6",
            Self::About => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8v.1",
            Self::Clock => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Alert => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8v5M12 16v.1",
            Self::Copy => {
                "M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1zM5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"
            }
            Self::Sun => {
                "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4"
            }
            Self::Moon => "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
            Self::Half => {
                "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18M12 6l5 1.5M12 10l7 1M12 14l6.500 1M12 18l4 .5"
            }
            Self::Keyboard => {
                "M4 6h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM7 10h.1M11 10h.1M15 10h.1M17 10h.1M8 14h8"
            }
            Self::Atom => {
                "M12 12h.01M12 3c2.500 0 4 4 4 9s-1.500 9-4 9-4-4-4-9 1.500-9 4-9zM4.200 7.500c1.300-2.200 5.500-1.500 9.800 1s7 5.800 5.800 8-5.500 1.500-9.800-1-7-5.800-5.800-8z"
            }
            Self::History => "M5 6h14M5 12h14M5 18h8M16 18l2 2 3.500-3.500",
            Self::Offline => {
                "M7 18h10a4 4 0 0 0 1.800-7.600M16.500 9A5.500 5.500 0 0 0 9 5.800M6.300 8.600A4.700 4.700 0 0 0 7 18M4 4l16 16"
            }
        }
    }
}

/// Draws it, one em high.
#[component]
pub fn Draw(icon: Icon) -> Element {
    rsx! {
        svg { class: "icon", view_box: "0 0 24 24", "aria-hidden": "true", "focusable": "false",
            path { d: icon.path() }
        }
    }
}
