//! Who may void a handshake that nobody can follow.

use super::{Before, Violation};
use crate::{room::Role, sign};
use sotto_protocol::{EntryKind, Rewind, RewindAuthority};

/// Whether a rewind to the epoch `before` may be followed. `access_key` is the one of that epoch; `kind` is that of the voided handshake.
///
/// A room-admin key that a removed device knows is nobody's word: it lapses with the door key that was published with it.
///
/// What came through a door is voided by any member of the epoch before (until one of them confirms it); a member's commit only
/// by owner or admins.
pub fn judge_rewind(
    before: &Before<'_>,
    access_key: &[u8; 32],
    rewind: &Rewind,
    kind: EntryKind,
) -> Result<(), Violation> {
    // Only what came in by an invite leaves one out.
    if rewind.epoch != before.epoch || rewind.left_out.is_some() && kind != EntryKind::Join {
        return Err(Violation::Rewind);
    }
    let key = match &rewind.authority {
        RewindAuthority::Access if kind == EntryKind::Join => access_key,
        RewindAuthority::Access => return Err(Violation::Rewind),
        RewindAuthority::Admin(key) => {
            let is_admins = |entry: &crate::room::RosterEntry| {
                entry.admin_key == **key
                    && before.state.role_of(&entry.account) >= Role::Admin
                    && !before.state.is_suspended(entry)
            };
            if !before.roster.iter().any(|(_, entry)| is_admins(entry)) {
                return Err(Violation::Rewind);
            }
            key
        }
    };
    let statement = rewind.statement(&before.room);
    sign::verify(key, &statement, &rewind.signature).map_err(|_| Violation::Rewind)
}
