//! The letter boxes of devices that pair.

use super::AccountStore;
use crate::store::error::WriteFault;

impl AccountStore {
    /// Puts a message in: `false` where another one is there. The same one again is taken as the first.
    pub(crate) async fn post_pairing(
        &self,
        letter_box: &[u8; 16],
        step: u8,
        message: &[u8],
        today: u32,
    ) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO pairings (letter_box, step, message, day) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(&letter_box[..])
        .bind(i64::from(step))
        .bind(message)
        .bind(i64::from(today))
        .execute(&mut *transaction)
        .await?;
        let stored: Vec<u8> =
            sqlx::query_scalar("SELECT message FROM pairings WHERE letter_box = $1 AND step = $2")
                .bind(&letter_box[..])
                .bind(i64::from(step))
                .fetch_one(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(stored == message)
    }

    /// Reads a message.
    pub(crate) async fn pairing(
        &self,
        letter_box: &[u8; 16],
        step: u8,
    ) -> Result<Option<Vec<u8>>, WriteFault> {
        let found = sqlx::query_scalar("SELECT message FROM pairings WHERE letter_box = $1 AND step = $2")
            .bind(&letter_box[..])
            .bind(i64::from(step))
            .fetch_optional(&self.read);
        Ok(found.await?)
    }
}
