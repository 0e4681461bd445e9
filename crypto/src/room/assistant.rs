//! Assistants that a room has on its list: programs that answer who asks them, and are not in the room.

use crate::identity::{AccountId, is_display_name};
use minicbor::{Decode, Encode};

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RunsAt {
    /// On the operator's own machine.
    #[n(0)]
    Operator,
    /// On a machine in the operator's network.
    #[n(1)]
    Network,
    /// At a third party.
    #[n(2)]
    Elsewhere,
}

/// What an operator says of an assistant. Everybody in the room sees it; nobody can prove it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Assistant {
    /// Its account, whose certificates have a bot's mark.
    #[n(0)]
    pub account: AccountId,
    /// Who runs it.
    #[n(1)]
    pub operator: String,
    /// Which model answers.
    #[n(2)]
    pub model: String,
    /// Where that runs.
    #[n(3)]
    pub runs_at: RunsAt,
    /// For how many seconds what it was asked is kept; 0: not at all.
    #[n(4)]
    pub kept_s: u64,
}

impl Assistant {
    /// Whether its texts are such as names may be.
    pub(super) fn is_well_formed(&self) -> bool {
        is_display_name(&self.operator) && is_display_name(&self.model)
    }
}

impl core::fmt::Debug for Assistant {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Assistant").field("account", &self.account).finish_non_exhaustive()
    }
}
