//! Time: now, later, and as people write it.

use futures_channel::oneshot;
use js_sys::{Date, Function, Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds since 1970.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a clock before 1970 saturates to it"
)]
pub fn now_ms() -> u64 {
    Date::now() as u64
}

/// Waits. Browsers wake pages in the background late.
pub async fn sleep(duration_ms: u64) {
    let (done, waiting) = oneshot::channel::<()>();
    let wake = Closure::once_into_js(move || {
        let _ = done.send(());
    });
    let duration_ms = i32::try_from(duration_ms).unwrap_or(i32::MAX);
    let set = web_sys::window().map(|window| {
        let wake: &Function = wasm_bindgen::JsCast::unchecked_ref(&wake);
        window.set_timeout_with_callback_and_timeout_and_arguments_0(wake, duration_ms)
    });
    if matches!(set, Some(Ok(_))) {
        let _ = waiting.await;
    }
}

/// The day of a time by the local calendar, counted from 1970.
#[allow(clippy::cast_possible_truncation, reason = "days since 1970 fit")]
pub fn local_day(at_ms: u64) -> i64 {
    let date = date(at_ms);
    ((date.get_time() - date.get_timezone_offset() * 60_000.0) / DAY_MS).floor() as i64
}

/// Hour and minute, as this browser's language writes them.
pub fn clock_text(at_ms: u64) -> String {
    let options = options(&[("hour", "numeric"), ("minute", "2-digit")]);
    String::from(date(at_ms).to_locale_time_string_with_options("default", &options))
}

/// A day, as this browser's language writes it; with the year only where it is another one.
pub fn day_text(at_ms: u64) -> String {
    let then = date(at_ms);
    let is_this_year = then.get_full_year() == Date::new_0().get_full_year();
    let mut parts = vec![("weekday", "long"), ("day", "numeric"), ("month", "long")];
    if !is_this_year {
        parts.push(("year", "numeric"));
    }
    String::from(then.to_locale_date_string("default", &options(&parts)))
}

/// A day in few signs, for lists.
pub fn short_day_text(at_ms: u64) -> String {
    String::from(
        date(at_ms).to_locale_date_string("default", &options(&[("day", "numeric"), ("month", "short")])),
    )
}

/// Date and time with the year, in few signs.
pub fn whole_text(at_ms: u64) -> String {
    let options = options(&[
        ("year", "numeric"),
        ("month", "short"),
        ("day", "numeric"),
        ("hour", "numeric"),
        ("minute", "2-digit"),
    ]);
    String::from(date(at_ms).to_locale_string("default", &options))
}

/// Date and time in full, for machines.
pub fn iso_text(at_ms: u64) -> String {
    String::from(date(at_ms).to_iso_string())
}

#[allow(clippy::cast_precision_loss, reason = "exact for the next 280,000 years")]
fn date(at_ms: u64) -> Date {
    // Beyond this, `Date` is invalid, and a sender chooses the number.
    const MAX_MS: u64 = 8_640_000_000_000_000;
    Date::new(&JsValue::from_f64(at_ms.min(MAX_MS) as f64))
}

fn options(parts: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in parts {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    options
}
