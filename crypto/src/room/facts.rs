//! From a staged commit of the MLS library to what the rules look at.

use super::{RoomState, RosterEntry, Suite, config, past::CommitData, policy::Facts};
use crate::CryptoError;
use openmls::{
    group::{GroupContext, StagedCommit},
    prelude::{Extensions, Proposal, Sender},
};
use sotto_protocol::EntryKind;

/// Reads a staged commit, which stands in the log under `kind`.
pub fn facts<'a>(
    suite: Suite,
    kind: EntryKind,
    sender: &Sender,
    data: &'a CommitData,
    staged: &StagedCommit,
) -> Result<Facts<'a>, CryptoError> {
    let member = match sender {
        Sender::Member(leaf) => Some(leaf.u32()),
        Sender::NewMemberCommit => None,
        _ => return Err(CryptoError::Mls("sender")),
    };
    let mut has_foreign_proposal = false;
    let mut replaces_state = 0_u32;
    for queued in staged.queued_proposals() {
        match queued.proposal() {
            Proposal::GroupContextExtensions(_) => replaces_state += 1,
            Proposal::Remove(_) => {}
            Proposal::ExternalInit(_) if member.is_none() => {}
            _ => has_foreign_proposal = true,
        }
    }
    Ok(Facts {
        kind,
        member,
        leaf: staged.update_path_leaf_node().map(|leaf| RosterEntry::of(leaf, suite)),
        has_foreign_proposal: has_foreign_proposal || replaces_state > 1,
        removed: staged.remove_proposals().map(|remove| remove.remove_proposal().removed().u32()).collect(),
        new_state: (replaces_state > 0).then(|| new_state(staged.group_context().extensions())),
        past: data.past,
        aad: data.proof(),
        reason: data.reason.as_deref(),
    })
}

/// The state after the commit; RequiredCapabilities must be what they are in every room, and nothing else may be there.
pub fn new_state(extensions: &Extensions<GroupContext>) -> Result<RoomState, CryptoError> {
    let required = config::required_capabilities();
    if extensions.iter().count() != 2 || !extensions.iter().any(|extension| *extension == required) {
        return Err(CryptoError::Malformed("context extensions"));
    }
    RoomState::of(extensions)
}
