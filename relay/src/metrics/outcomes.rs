//! How often something succeeded, and how often it failed for which reason.

use sotto_protocol::Request;
use std::fmt::Debug;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// More than there are error codes. What came later than this table would be left out.
const CODES_MAX: usize = 64;

/// One counter for success and one for each code of an error, by the number of the code.
pub(crate) struct Outcomes {
    success: AtomicU64,
    errors: [Failed; CODES_MAX],
}

#[derive(Default)]
struct Failed {
    name: OnceLock<String>,
    count: AtomicU64,
}

impl Default for Outcomes {
    fn default() -> Self {
        Self { success: AtomicU64::new(0), errors: std::array::from_fn(|_| Failed::default()) }
    }
}

impl Outcomes {
    /// It went well.
    pub(crate) fn count_success(&self) {
        self.success.fetch_add(1, Ordering::Relaxed);
    }

    /// It did not. The code's own name becomes the label.
    pub(crate) fn count_error(&self, number: usize, code: &impl Debug) {
        if let Some(failed) = self.errors.get(number) {
            failed.name.get_or_init(|| snake_case(&format!("{code:?}")));
            failed.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Name and count of each outcome that there was; success always.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        let success = ("ok", self.success.load(Ordering::Relaxed));
        let errors = self.errors.iter();
        let errors = errors
            .filter_map(|failed| Some((failed.name.get()?.as_str(), failed.count.load(Ordering::Relaxed))));
        std::iter::once(success).chain(errors)
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (position, character) in name.char_indices() {
        if character.is_ascii_uppercase() && position > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

macro_rules! kinds {
    ($($kind:ident $name:literal $request:ident;)*) => {
        /// What is asked on a room socket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $name] $kind,)*
        }

        impl Kind {
            pub(super) const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Of a request.
            pub(crate) const fn of(request: &Request) -> Self {
                match request {
                    $(Request::$request(_) => Self::$kind,)*
                }
            }

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    Create "create" Create;
    Append "append" Append;
    Handshake "handshake" AppendHandshake;
    Open "open" Open;
    Page "page" Page;
    Card "card" Card;
    JoinTurn "join_turn" JoinTurn;
    Outline "outline" Outline;
    Replay "replay" Replay;
    GoOn "go_on" GoOn;
    Rewind "rewind" Rewind;
    Confirm "confirm" Confirm;
    Repair "repair" Repair;
    Held "held" Held;
    History "history" History;
    DropWraps "drop_wraps" DropWraps;
    WriteStatus "write_status" WriteStatus;
    Statuses "statuses" Statuses;
    Delete "delete" DeleteRoom;
    Retention "retention" SetRetention;
    Subscribe "subscribe" Subscribe;
    Unsubscribe "unsubscribe" Unsubscribe;
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::ErrorCode;

    #[test]
    fn outcomes_are_named_as_their_codes() {
        let outcomes = Outcomes::default();
        outcomes.count_success();
        for code in [ErrorCode::StorageFull, ErrorCode::StorageFull, ErrorCode::Internal] {
            outcomes.count_error(code as usize, &code);
        }
        let counts: Vec<_> = outcomes.counts().collect();
        assert_eq!(counts, [("ok", 1), ("storage_full", 2), ("internal", 1)]);
    }

    #[test]
    fn each_kind_has_its_own_place() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{}", kind.name());
        }
    }
}
