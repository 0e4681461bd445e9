//! Rules 2, as far as tests need them: what the next version of the rules will have to do, done once.

use super::{Before, Facts, Violation};

/// In rules 2 a room's name is for ever.
pub(super) fn judge(before: &Before<'_>, commit: &Facts<'_>) -> Result<(), Violation> {
    match &commit.new_state {
        Some(Ok(state)) if state.name != before.state.name => Err(Violation::StateChange),
        _ => Ok(()),
    }
}
