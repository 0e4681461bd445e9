//! What is seen: one component a file.
//!
//! For browser tests, every element that a story needs has a `data-testid`:
//!
//! | where | `data-testid` |
//! |---|---|
//! | first visit | `welcome`, `welcome-make`, `welcome-join` |
//! | making a room | `room-name-field`, `display-name-field`, `make-room-button`, `form-error` |
//! | joining | `invited`, `link-field` (only without an invite), `display-name-field`, `join-button`, `not-now`, `form-error` |
//! | rooms | `room-list`, `room-row` (with `data-room`, `data-name`, `data-unread`), `new-room`, `open-link`, `theme-toggle` |
//! | conversation | `conversation` (with `data-room`), `room-title`, `catching-up`, `open-details`, `alarm`, `room-stopped` |
//! | timeline | `timeline`, `day-line`, `unread-line`, `system-line`, `jump-newest`, `empty-room` |
//! | a message | `message` (with `data-sender`, `data-mine`, `data-state` = `queued`, `sent`, `received` or `failed`), in it `message-text`, in that `real-host`; `show-whole` |
//! | a refused message | `message` with `data-state="failed"`, in it `failed-why`, `retry`, `edit`, `discard` |
//! | composer | `composer`, `send`, `composer-error` |
//! | details | `details`, `close-details`, `member` (with `data-name`), `make-invite`, `invite-link`, `copy-invite`, `revoke-invite`, `security` |
//! | bars | `offline-bar` (with `data-state` = `offline` or `connecting`), `clock-bar`, `problem-bar` |
//! | `/#/check` | `storage-check` (with `data-outcome` = `checking`, `passed` or `failed`) |
//! | `/#/about` | `about` (from `open-about`), in it `version`, `source` |
//! | over all | `switcher`, `switcher-field`, `switcher-row`, `shortcuts`, `broken` |

mod about;
mod app;
mod broken;
mod busy;
mod check;
mod connection_bar;
mod conversation;
mod copy_field;
mod details;
mod dialog;
mod entry;
mod face;
mod icon;
mod keys;
mod shell;
mod shortcuts;
mod sidebar;
mod switcher;

pub use app::App;
