//! Rows that nothing leads to any more: of rooms that were deleted, and of epochs that were voided. They may be millions, or
//! gigabytes, and go in pieces, so that no writer waits long.

use super::dialect::Dialect;
use super::error::WriteFault;
use super::read::to_sql;
use sqlx::{AnyConnection, Row as _};

/// Rows and bytes that one piece takes on; a single larger row goes alone.
const ROWS_MAX: i64 = 512;
const BYTES_MAX: i64 = 4 * 1024 * 1024;

/// The first of them that no other relay is at.
const FIND: &str =
    "SELECT l.room, l.from_seq, l.up_to_seq, (SELECT count(*) FROM rooms r WHERE r.number = l.room) AS rooms
    FROM leftovers l ORDER BY l.room, l.from_seq LIMIT 1";
const FIND_ON_POSTGRES: &str =
    "SELECT l.room, l.from_seq, l.up_to_seq, (SELECT count(*) FROM rooms r WHERE r.number = l.room) AS rooms
    FROM leftovers l ORDER BY l.room, l.from_seq LIMIT 1 FOR UPDATE OF l SKIP LOCKED";

/// A table whose rows go by the handshake that began their epoch, or by their place in the log.
struct Table {
    /// Place and length of the next rows.
    next: &'static str,
    /// Everything up to a place.
    delete: &'static str,
}

macro_rules! table {
    ($name:literal, $place:literal, $length:literal) => {
        Table {
            next: concat!(
                "SELECT ",
                $place,
                " AS place, CAST(",
                $length,
                " AS BIGINT) AS length_bytes FROM ",
                $name,
                " WHERE room = $1 AND ",
                $place,
                " >= $2 AND ",
                $place,
                " <= $3 ORDER BY ",
                $place,
                " LIMIT $4"
            ),
            delete: concat!(
                "DELETE FROM ",
                $name,
                " WHERE room = $1 AND ",
                $place,
                " >= $2 AND ",
                $place,
                " <= $3"
            ),
        }
    };
}

/// What is kept to read an epoch. The wraps of one epoch are at most 2 MiB, and go together.
const OF_EPOCHS: [Table; 3] = [
    table!("capsules", "began_seq", "length(capsule)"),
    table!("history_links", "began_seq", "length(link)"),
    table!("capsule_wraps", "began_seq", "length(wrap)"),
];
/// What is left of a whole room beside that.
const OF_ROOM: [Table; 3] = [
    table!("entries", "seq", "coalesce(length(entry), 0)"),
    table!("handshake_hashes", "seq", "length(hash)"),
    table!("epochs", "began_seq", "length(admin_keys)"),
];

/// Notes that nothing leads any more to what was kept for the epochs that began in that stretch.
pub(super) async fn leave_behind(
    connection: &mut AnyConnection,
    row: i64,
    (from_seq, up_to_seq): (u64, u64),
) -> Result<(), WriteFault> {
    sqlx::query(
        "INSERT INTO leftovers (room, from_seq, up_to_seq) VALUES ($1, $2, $3)
            ON CONFLICT (room, from_seq) DO UPDATE SET up_to_seq = excluded.up_to_seq",
    )
    .bind(row)
    .bind(to_sql(from_seq))
    .bind(to_sql(up_to_seq))
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of a whole room, which is deleted.
pub(super) async fn leave_room_behind(connection: &mut AnyConnection, row: i64) -> Result<(), WriteFault> {
    sqlx::query("DELETE FROM leftovers WHERE room = $1").bind(row).execute(&mut *connection).await?;
    leave_behind(connection, row, (0, u64::MAX)).await
}

/// Removes a piece of it, in the transaction that is open. Whether there may be more.
pub(super) async fn sweep_leftovers(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<bool, WriteFault> {
    let find = match dialect {
        Dialect::Sqlite => FIND,
        Dialect::Postgres => FIND_ON_POSTGRES,
    };
    let Some(found) = sqlx::query(find).fetch_optional(&mut *connection).await? else { return Ok(false) };
    let (row, from_seq): (i64, i64) = (found.get("room"), found.get("from_seq"));
    let up_to_seq: i64 = found.get("up_to_seq");
    let is_whole = found.get::<i64, _>("rooms") == 0;
    let of_room: &[Table] = if is_whole { &OF_ROOM } else { &[] };
    for table in OF_EPOCHS.iter().chain(of_room) {
        let next = sqlx::query(table.next)
            .bind(row)
            .bind(from_seq)
            .bind(up_to_seq)
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
        let mut bytes = 0;
        let piece = next.iter().take_while(|row| {
            let is_first = bytes == 0;
            bytes += 1 + row.get::<i64, _>("length_bytes");
            is_first || bytes <= BYTES_MAX
        });
        let Some(last) = piece.last() else { continue };
        let last: i64 = last.get("place");
        sqlx::query(table.delete).bind(row).bind(from_seq).bind(last).execute(&mut *connection).await?;
        return Ok(true);
    }
    sqlx::query("DELETE FROM leftovers WHERE room = $1 AND from_seq = $2")
        .bind(row)
        .bind(from_seq)
        .execute(connection)
        .await?;
    Ok(true)
}
