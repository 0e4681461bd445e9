//! Status registers: the last value of each, in the current epoch.

use super::{WriteStore, add, statement_size, with_rows};
use crate::store::WriteFault;
use sotto_protocol::{RoomId, Status, limits};
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe};
use std::collections::HashSet;

/// Values of one room that are to be kept.
#[derive(Debug)]
pub(crate) struct Registers {
    /// Which room.
    pub room: RoomId,
    /// The relay's number of it.
    pub row: i64,
    /// The epoch they are of, by the handshake that began it.
    pub began_seq: u64,
    /// Each register once.
    pub values: Vec<Status>,
}

impl WriteStore {
    /// Keeps the values in place of earlier ones. Those that would be too many are left out: several relays take new ones at
    /// once, and each of them knows only what is here.
    pub(crate) async fn set_registers(
        &mut self,
        row: i64,
        mut values: Vec<Status>,
    ) -> Result<(), WriteFault> {
        let known: Vec<Vec<u8>> = sqlx::query_scalar("SELECT register_id FROM registers WHERE room = $1")
            .bind(row)
            .fetch_all(&mut self.connection)
            .await?;
        let known: HashSet<Vec<u8>> = known.into_iter().collect();
        let mut left = limits::REGISTERS_MAX.saturating_sub(known.len());
        values.retain(|status| {
            let is_known = known.contains(&status.register[..]);
            let fits = is_known || left > 0;
            left -= usize::from(fits && !is_known);
            fits
        });
        let mut values = values.into_iter();
        while let Some(size) = statement_size(self.source.dialect, values.len()) {
            let mut arguments = AnyArguments::default();
            arguments.reserve(size * 3, 0);
            for status in values.by_ref().take(size) {
                add(&mut arguments, row)?;
                add(&mut arguments, status.register.to_vec())?;
                add(&mut arguments, status.value.to_vec())?;
            }
            let sql = with_rows(
                self.source.dialect,
                "INSERT INTO registers (room, register_id, value) VALUES ",
                (3, size),
                " ON CONFLICT (room, register_id) DO UPDATE SET value = excluded.value",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Forgets all of a room: their epoch is over.
    pub(super) async fn forget_registers(&mut self, row: i64) -> Result<(), WriteFault> {
        sqlx::query("DELETE FROM registers WHERE room = $1").bind(row).execute(&mut self.connection).await?;
        Ok(())
    }
}
