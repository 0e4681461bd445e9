//! What the database keeps of blobs: one method per operation, one transaction each.
//!
//! Every change of how much is there holds the row of `blob_usage` first, so that none waits for another in a circle.

use super::dialect::Dialect;
use super::error::WriteFault;
use super::file::OpenFiles;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};

/// Blobs without an end that one transaction gives one.
const ENDED_MAX: i64 = 256;

/// Name of a file or object: random.
pub(crate) type PieceName = [u8; 16];

/// The blobs of a database.
#[derive(Debug, Clone)]
pub(crate) struct BlobStore {
    read: AnyPool,
    write: AnyPool,
    begin: &'static str,
    files: OpenFiles,
}

/// A blob to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBlob {
    /// SHA-256 of its id.
    pub id_hash: [u8; 32],
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// How long it will be.
    pub length: u64,
    /// How long it is kept once it is whole; 0 for no end.
    pub keep_days: u32,
    /// When it is given up, if nothing comes.
    pub until_day: u32,
}

/// What became of a creation.
#[derive(Debug)]
pub(crate) enum Reserved {
    /// There is a blob now.
    New,
    /// There was one.
    There(StoredBlob),
    /// The quota is used up.
    Full,
}

/// A blob as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredBlob {
    /// The relay's own number.
    pub number: i64,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// How long it is when it is whole.
    pub length: u64,
    /// How much is there.
    pub offset: u64,
    /// How long it is kept once it is whole; 0 for no end.
    pub keep_days: u32,
}

/// A part of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Of its file or object.
    pub name: PieceName,
    /// Where in the blob it begins.
    pub start: u64,
    /// How long it is.
    pub length: u64,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is the end now.
    Done,
    /// The end is elsewhere by now, or the blob is gone.
    Elsewhere,
    /// All blobs together are as long as they may be.
    Full,
}

impl StoredBlob {
    /// Whether all of it is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.offset == self.length
    }
}

impl BlobStore {
    pub(super) fn new(dialect: Dialect, read: AnyPool, write: AnyPool, files: OpenFiles) -> Self {
        let begin = match dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Self { read, write, begin, files }
    }

    /// Which place for files belongs to this database: the first that comes takes it.
    pub(crate) async fn place(&self, fresh: &[u8; 16]) -> Result<[u8; 16], WriteFault> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO blob_usage (only_one, place, used_bytes) VALUES (1, $1, 0) ON CONFLICT DO NOTHING",
        )
        .bind(&fresh[..])
        .execute(&mut *transaction)
        .await?;
        let stored: Vec<u8> =
            sqlx::query_scalar("SELECT place FROM blob_usage").fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        array(&stored, "place")
    }

    /// Makes a blob, if there would be space for all of it now. None is kept: what was announced and never comes takes it from nobody.
    pub(crate) async fn create(&self, new: &NewBlob, quota: u64) -> Result<Reserved, WriteFault> {
        let mut transaction = self.begin().await?;
        let has_space = sqlx::query(
            "UPDATE blob_usage SET used_bytes = used_bytes WHERE used_bytes <= $2 AND used_bytes + $1 <= $2",
        )
        .bind(to_sql(new.length))
        .bind(to_sql(quota))
        .execute(&mut *transaction)
        .await?;
        let there = sqlx::query(FIND).bind(&new.id_hash[..]).fetch_optional(&mut *transaction).await?;
        if let Some(row) = there {
            return Ok(Reserved::There(stored(&row)?));
        }
        if has_space.rows_affected() == 0 {
            return Ok(Reserved::Full);
        }
        sqlx::query(
            "INSERT INTO blobs (id_hash, token_hash, length_bytes, offset_bytes, keep_days, until_day)
                VALUES ($1, $2, $3, 0, $4, $5)",
        )
        .bind(&new.id_hash[..])
        .bind(&new.token_hash[..])
        .bind(to_sql(new.length))
        .bind(i64::from(new.keep_days))
        .bind(i64::from(new.until_day))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Reserved::New)
    }

    /// How much is there of all blobs together.
    pub(crate) async fn used_bytes(&self) -> Result<u64, WriteFault> {
        let used: i64 = sqlx::query_scalar("SELECT used_bytes FROM blob_usage").fetch_one(&self.read).await?;
        number_of(used)
    }

    /// Gives blobs an end that were to have none.
    pub(crate) async fn end_by(&self, until_day: u32) -> Result<(), WriteFault> {
        // In pieces: other writers wait for one of them at most.
        loop {
            let mut transaction = self.begin().await?;
            sqlx::query("UPDATE blob_usage SET used_bytes = used_bytes").execute(&mut *transaction).await?;
            let ended = sqlx::query(
                "UPDATE blobs SET until_day = $1 WHERE number IN
                    (SELECT number FROM blobs WHERE until_day = 0 ORDER BY number LIMIT $2)",
            )
            .bind(i64::from(until_day))
            .bind(ENDED_MAX)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            if i64::try_from(ended.rows_affected()).is_ok_and(|rows| rows < ENDED_MAX) {
                return Ok(());
            }
        }
    }

    /// The blob of that id, by its hash.
    pub(crate) async fn find(&self, id_hash: &[u8; 32]) -> Result<Option<StoredBlob>, WriteFault> {
        let row = sqlx::query(FIND).bind(&id_hash[..]).fetch_optional(&self.read).await?;
        row.as_ref().map(stored).transpose()
    }

    /// Adds a piece at the end, and says until which day the blob is kept from now on. Not if the end is elsewhere by now, or all
    /// blobs together would be longer than the quota.
    pub(crate) async fn append(
        &self,
        number: i64,
        piece: &Piece,
        (until_day, quota): (u32, u64),
    ) -> Result<Appended, WriteFault> {
        let mut transaction = self.begin().await?;
        let counted = sqlx::query(
            "UPDATE blob_usage SET used_bytes = used_bytes + $1 WHERE used_bytes <= $2 AND used_bytes + $1 <= $2",
        )
        .bind(to_sql(piece.length))
        .bind(to_sql(quota))
        .execute(&mut *transaction)
        .await?;
        if counted.rows_affected() == 0 {
            return Ok(Appended::Full);
        }
        let moved = sqlx::query(
            "UPDATE blobs SET offset_bytes = offset_bytes + $1, until_day = $2
                WHERE number = $3 AND offset_bytes = $4",
        )
        .bind(to_sql(piece.length))
        .bind(i64::from(until_day))
        .bind(number)
        .bind(to_sql(piece.start))
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(Appended::Elsewhere);
        }
        sqlx::query("INSERT INTO blob_pieces (blob, start_byte, length_bytes, name) VALUES ($1, $2, $3, $4)")
            .bind(number)
            .bind(to_sql(piece.start))
            .bind(to_sql(piece.length))
            .bind(&piece.name[..])
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Appended::Done)
    }

    /// How much of a blob is there; none if it is gone.
    pub(crate) async fn offset(&self, number: i64) -> Result<Option<u64>, WriteFault> {
        let offset: Option<i64> = sqlx::query_scalar("SELECT offset_bytes FROM blobs WHERE number = $1")
            .bind(number)
            .fetch_optional(&self.read)
            .await?;
        offset.map(number_of).transpose()
    }

    /// The pieces from the one that holds a byte on, in order; at most so many.
    pub(crate) async fn pieces(&self, number: i64, from: u64, max: u32) -> Result<Vec<Piece>, WriteFault> {
        let rows = sqlx::query(
            "SELECT start_byte, length_bytes, name FROM blob_pieces
                WHERE blob = $1 AND start_byte >=
                    (SELECT MAX(start_byte) FROM blob_pieces WHERE blob = $1 AND start_byte <= $2)
                ORDER BY start_byte LIMIT $3",
        )
        .bind(number)
        .bind(to_sql(from))
        .bind(i64::from(max))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(piece).collect()
    }

    /// Removes a blob; what is left of it are these files.
    pub(crate) async fn delete(&self, number: i64) -> Result<Vec<PieceName>, WriteFault> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE blob_usage SET used_bytes = used_bytes").execute(&mut *transaction).await?;
        let there: Option<i64> =
            sqlx::query_scalar("DELETE FROM blobs WHERE number = $1 RETURNING offset_bytes")
                .bind(number)
                .fetch_optional(&mut *transaction)
                .await?;
        let Some(there) = there else { return Ok(Vec::new()) };
        let names: Vec<Vec<u8>> = sqlx::query_scalar("SELECT name FROM blob_pieces WHERE blob = $1")
            .bind(number)
            .fetch_all(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM blob_pieces WHERE blob = $1")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE blob_usage SET used_bytes = used_bytes - $1")
            .bind(there)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        names.iter().map(|name| array(name, "piece")).collect()
    }

    /// Blobs whose time is over; at most so many.
    pub(crate) async fn expired(&self, today: u32, max: u32) -> Result<Vec<i64>, WriteFault> {
        let numbers = sqlx::query_scalar(
            "SELECT number FROM blobs WHERE until_day > 0 AND until_day < $1 ORDER BY until_day LIMIT $2",
        )
        .bind(i64::from(today))
        .bind(i64::from(max))
        .fetch_all(&self.read)
        .await?;
        Ok(numbers)
    }

    /// Counts what is there anew: a relay of an earlier version may have counted otherwise.
    pub(crate) async fn recount(&self) -> Result<(), WriteFault> {
        let mut transaction = self.begin().await?;
        // Held first, so that the sum is of what all others have done by then.
        sqlx::query("UPDATE blob_usage SET used_bytes = used_bytes").execute(&mut *transaction).await?;
        sqlx::query(
            "UPDATE blob_usage SET used_bytes = (SELECT CAST(coalesce(sum(offset_bytes), 0) AS BIGINT) FROM blobs)",
        )
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Whether a file of that name belongs to a blob.
    pub(crate) async fn has_piece(&self, name: &PieceName) -> Result<bool, WriteFault> {
        let found: Option<i64> = sqlx::query_scalar("SELECT blob FROM blob_pieces WHERE name = $1")
            .bind(&name[..])
            .fetch_optional(&self.read)
            .await?;
        Ok(found.is_some())
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, WriteFault> {
        self.files.check()?;
        Ok(self.write.begin_with(self.begin).await?)
    }
}

const FIND: &str = "SELECT number, token_hash, length_bytes, offset_bytes, keep_days FROM blobs
    WHERE id_hash = $1";

fn stored(row: &AnyRow) -> Result<StoredBlob, WriteFault> {
    Ok(StoredBlob {
        number: row.try_get("number")?,
        token_hash: array(row.try_get("token_hash")?, "blob")?,
        length: number_of(row.try_get("length_bytes")?)?,
        offset: number_of(row.try_get("offset_bytes")?)?,
        keep_days: day_of(row.try_get("keep_days")?)?,
    })
}

/// A piece by its row.
pub(super) fn piece(row: &AnyRow) -> Result<Piece, WriteFault> {
    Ok(Piece {
        name: array(row.try_get("name")?, "piece")?,
        start: number_of(row.try_get("start_byte")?)?,
        length: number_of(row.try_get("length_bytes")?)?,
    })
}

fn number_of(value: i64) -> Result<u64, WriteFault> {
    u64::try_from(value).map_err(|_| WriteFault::Damaged("number"))
}

fn day_of(value: i64) -> Result<u32, WriteFault> {
    u32::try_from(value).map_err(|_| WriteFault::Damaged("day"))
}

fn to_sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], WriteFault> {
    bytes.try_into().map_err(|_| WriteFault::Damaged(what))
}
