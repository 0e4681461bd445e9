//! Rewinds and words for joins, judged by the epochs of a room: before they are queued, so that the writer does nothing for clients
//! without the right; and once more where they are written, for the room may have changed meanwhile.

use crate::access::{JudgedEpoch, RewindCase, confirming_key, may_rewind};
use crate::store::{Epochs, StoreError};
use sotto_protocol::{ConfirmJoin, ErrorCode, Rewind, RewindAuthority};

/// The epoch that a rewind leads back to, if it may be written.
pub(super) async fn judge_rewind(
    epochs: &mut Epochs<'_>,
    row: i64,
    rewind: &Rewind,
    current_epoch: u64,
) -> Result<Result<JudgedEpoch, ErrorCode>, StoreError> {
    let bad = epochs.begun_by(row, rewind.bad_seq).await?;
    let before = epochs.numbered(row, rewind.epoch).await?;
    let bad_entry = epochs.handshake_hash(row, rewind.bad_seq).await?;
    let (Some(bad), Some(before), Some(bad_entry)) = (bad, before, bad_entry) else {
        return Ok(Err(ErrorCode::Conflict));
    };
    let admin_keys = match &rewind.authority {
        RewindAuthority::Access => Vec::new(),
        RewindAuthority::Admin(_) => epochs.admin_keys(row, before.began_seq).await?,
    };
    let (bad, admin_keys) = (&bad, &admin_keys[..]);
    let before_it = &before;
    let mut case =
        RewindCase { bad, bad_entry, before: before_it, admin_keys, survives_handovers: true, current_epoch };
    if let RewindAuthority::Admin(key) = &rewind.authority
        && may_rewind(rewind, &case).is_ok()
    {
        case.survives_handovers = epochs.survives_handovers(row, rewind.bad_seq, key).await?;
    }
    let judged = may_rewind(rewind, &case);
    Ok(judged.map(|()| before))
}

/// A join that may be confirmed.
pub(super) struct ConfirmableJoin {
    /// By whose signature.
    pub key: [u8; 32],
    /// SHA-256 of the join.
    pub entry: [u8; 32],
    /// Whether it was confirmed before.
    pub is_confirmed: bool,
}

/// By what a word for a join is to be checked, if there is such a join.
pub(super) async fn judge_confirm(
    epochs: &mut Epochs<'_>,
    row: i64,
    confirm: &ConfirmJoin,
) -> Result<Result<ConfirmableJoin, ErrorCode>, StoreError> {
    let join = epochs.begun_by(row, confirm.seq).await?.filter(|join| join.by_door);
    let Some(join) = join else { return Ok(Err(ErrorCode::Conflict)) };
    let before = epochs.numbered(row, join.epoch.saturating_sub(1)).await?;
    let entry = epochs.handshake_hash(row, confirm.seq).await?;
    let (Some(before), Some(entry)) = (before, entry) else { return Ok(Err(ErrorCode::Conflict)) };
    let admin_keys = match confirm.admin_key {
        None => Vec::new(),
        Some(_) => epochs.current_admin_keys(row).await?,
    };
    let Some(key) = confirming_key(confirm, &before, &admin_keys) else {
        return Ok(Err(ErrorCode::BadSignature));
    };
    Ok(Ok(ConfirmableJoin { key, entry, is_confirmed: join.is_confirmed }))
}
