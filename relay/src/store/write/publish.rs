//! What is kept for an epoch: card, doors, capsule and wraps.

use super::{WriteStore, add, statement_size, to_sql, with_rows};
use crate::store::WriteFault;
use sotto_protocol::{CapsuleWrap, Door, DoorId, Published};
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe};

/// Wraps that one transaction drops.
const DROPPED_MAX: i64 = 512;

impl WriteStore {
    /// Keeps this for the current epoch, and nothing else: doors that are not listed are closed.
    pub(crate) async fn publish(
        &mut self,
        row: i64,
        began_seq: u64,
        published: Published,
    ) -> Result<(), WriteFault> {
        let Published { card, doors, capsule, capsule_wraps } = published;
        sqlx::query("INSERT INTO cards (room, card) VALUES ($1, $2) ON CONFLICT (room) DO UPDATE SET card = excluded.card")
            .bind(row)
            .bind(card)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("DELETE FROM doors WHERE room = $1").bind(row).execute(&mut self.connection).await?;
        self.insert_doors(row, doors).await?;
        for sql in [
            "DELETE FROM capsules WHERE room = $1 AND began_seq = $2",
            "DELETE FROM capsule_wraps WHERE room = $1 AND began_seq = $2",
        ] {
            sqlx::query(sql).bind(row).bind(to_sql(began_seq)).execute(&mut self.connection).await?;
        }
        if let Some(capsule) = capsule {
            sqlx::query("INSERT INTO capsules (room, began_seq, capsule) VALUES ($1, $2, $3)")
                .bind(row)
                .bind(to_sql(began_seq))
                .bind(capsule)
                .execute(&mut self.connection)
                .await?;
        }
        self.insert_wraps(row, began_seq, capsule_wraps.unwrap_or_default()).await
    }

    /// Keeps the link to the epoch before the one that `began_seq` began.
    pub(crate) async fn set_history(
        &mut self,
        row: i64,
        began_seq: u64,
        link: Vec<u8>,
    ) -> Result<(), WriteFault> {
        sqlx::query(
            "INSERT INTO history_links (room, began_seq, link) VALUES ($1, $2, $3)
                ON CONFLICT (room, began_seq) DO UPDATE SET link = excluded.link",
        )
        .bind(row)
        .bind(to_sql(began_seq))
        .bind(link)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Whether the door is open now.
    pub(crate) async fn has_door(
        &mut self,
        row: i64,
        door: &DoorId,
        now_ms: u64,
    ) -> Result<bool, WriteFault> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT room FROM doors WHERE room = $1 AND door_id = $2
                AND (expires_at_ms IS NULL OR expires_at_ms > $3)",
        )
        .bind(row)
        .bind(&door.as_bytes()[..])
        .bind(to_sql(now_ms))
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(found.is_some())
    }

    /// Drops the wraps of a tag in epochs before `before`, as far as they are the owner's. Whether there may be more of them than one
    /// transaction takes on.
    pub(crate) async fn drop_wraps(
        &mut self,
        row: i64,
        (tag, owner): (&[u8; 16], &[u8; 32]),
        before: u64,
    ) -> Result<bool, WriteFault> {
        let done = sqlx::query(
            "DELETE FROM capsule_wraps WHERE room = $1 AND tag = $2 AND began_seq IN
                (SELECT w.began_seq FROM capsule_wraps w JOIN epochs e ON e.room = w.room AND e.began_seq = w.began_seq
                    WHERE w.room = $1 AND w.tag = $2 AND w.owner = $3 AND e.epoch < $4 LIMIT $5)",
        )
        .bind(row)
        .bind(&tag[..])
        .bind(&owner[..])
        .bind(to_sql(before))
        .bind(DROPPED_MAX)
        .execute(&mut self.connection)
        .await?;
        Ok(i64::try_from(done.rows_affected()).is_ok_and(|rows| rows >= DROPPED_MAX))
    }

    async fn insert_doors(&mut self, row: i64, doors: Vec<Door>) -> Result<(), WriteFault> {
        let mut doors = doors.into_iter();
        while let Some(size) = statement_size(self.source.dialect, doors.len()) {
            let mut arguments = AnyArguments::default();
            arguments.reserve(size * 5, 0);
            for door in doors.by_ref().take(size) {
                add(&mut arguments, row)?;
                add(&mut arguments, door.id.as_bytes().to_vec())?;
                add(&mut arguments, door.key.to_vec())?;
                add(&mut arguments, door.wrap)?;
                add(&mut arguments, door.expires_at_ms.map(to_sql))?;
            }
            let sql = with_rows(
                self.source.dialect,
                "INSERT INTO doors (room, door_id, door_key, wrap, expires_at_ms) VALUES ",
                (5, size),
                "",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn insert_wraps(
        &mut self,
        row: i64,
        began_seq: u64,
        wraps: Vec<CapsuleWrap>,
    ) -> Result<(), WriteFault> {
        let mut wraps = wraps.into_iter();
        while let Some(size) = statement_size(self.source.dialect, wraps.len()) {
            let mut arguments = AnyArguments::default();
            arguments.reserve(size * 5, 0);
            for wrap in wraps.by_ref().take(size) {
                add(&mut arguments, row)?;
                add(&mut arguments, to_sql(began_seq))?;
                add(&mut arguments, wrap.tag.to_vec())?;
                add(&mut arguments, wrap.wrap)?;
                add(&mut arguments, wrap.owner.map(|owner| owner.to_vec()))?;
            }
            let sql = with_rows(
                self.source.dialect,
                "INSERT INTO capsule_wraps (room, began_seq, tag, wrap, owner) VALUES ",
                (5, size),
                "",
            );
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }
}
