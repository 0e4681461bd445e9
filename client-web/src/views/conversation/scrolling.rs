//! Where in the timeline someone is, and how that place is kept when what is around it changes.
//!
//! The browser's own scroll anchoring is off (not every browser has it): what is seen at the top is remembered at every scroll, and put back
//! at the same height after every change.

use crate::platform::dom;
use crate::state::ScrollPlace;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// The id of the element that scrolls.
pub const TIMELINE_ID: &str = "timeline";
/// The id of the line before what is unread.
pub const UNREAD_ID: &str = "unread-line";

/// Closer to the end than this is at the end.
const END_PX: i32 = 60;
/// Closer to an edge than this, more is loaded.
const EDGE_PX: i32 = 900;

fn timeline() -> Option<HtmlElement> {
    dom::element(TIMELINE_ID)
}

fn from_end(timeline: &HtmlElement) -> i32 {
    timeline.scroll_height() - timeline.scroll_top() - timeline.client_height()
}

/// Whether the end is in view.
pub fn is_at_end() -> bool {
    timeline().is_none_or(|timeline| from_end(&timeline) < END_PX)
}

/// Whether the beginning of what is drawn is near.
pub fn is_near_beginning() -> bool {
    timeline().is_some_and(|timeline| timeline.scroll_top() < EDGE_PX)
}

/// Whether the end of what is drawn is near.
pub fn is_near_end() -> bool {
    timeline().is_some_and(|timeline| from_end(&timeline) < EDGE_PX)
}

/// Goes to the end.
pub fn go_to_end() {
    if let Some(timeline) = timeline() {
        timeline.set_scroll_top(timeline.scroll_height());
    }
}

/// Goes to the line before what is unread, if it is not in view at the end. Whether it did.
pub fn go_to_unread() -> bool {
    let (Some(timeline), Some(line)) = (timeline(), dom::element(UNREAD_ID)) else { return false };
    go_to_end();
    let above = line.get_bounding_client_rect().top() - timeline.get_bounding_client_rect().top();
    if above >= 0.0 {
        return false;
    }
    scroll_by(&timeline, above - 72.0);
    true
}

/// What is seen at the top now.
#[allow(clippy::cast_possible_truncation, reason = "pixels on a screen fit")]
pub fn place() -> Option<ScrollPlace> {
    let timeline = timeline()?;
    let document = dom::document()?;
    let frame = timeline.get_bounding_client_rect();
    let height = frame.height() as i32;
    let candidates = timeline.query_selector_all("[data-anchor]").ok()?;
    // Ordered from top to bottom: the first that reaches below the top is found by halving.
    let (mut low, mut high) = (0, candidates.length());
    while low < high {
        let middle = low + (high - low) / 2;
        let element: Element = candidates.get(middle)?.unchecked_into();
        if element.get_bounding_client_rect().bottom() > frame.top() {
            high = middle
        } else {
            low = middle + 1
        }
    }
    let element: Element = candidates.get(low)?.unchecked_into();
    let top = element.get_bounding_client_rect().top() - frame.top();
    let is_in_page = document.contains(Some(&element));
    (is_in_page && top < f64::from(height)).then(|| ScrollPlace { id: element.id(), top })
}

/// Puts what was seen at the top back at the height where it was. Whether it is still there.
pub fn go_back_to(place: &ScrollPlace) -> bool {
    let (Some(timeline), Some(element)) = (timeline(), dom::element(&place.id)) else { return false };
    let top = element.get_bounding_client_rect().top() - timeline.get_bounding_client_rect().top();
    if (top - place.top).abs() >= 1.0 {
        scroll_by(&timeline, top - place.top);
    }
    true
}

#[allow(clippy::cast_possible_truncation, reason = "pixels on a screen fit")]
fn scroll_by(timeline: &HtmlElement, by: f64) {
    timeline.set_scroll_top(timeline.scroll_top() + by.round() as i32);
}
