//! How much there is of everything, and of whom nothing.

use super::AdminStore;
use crate::store::dialect::Dialect;
use crate::store::error::WriteFault;
use serde::Serialize;

macro_rules! stats {
    ($($name:ident $what:literal = $sql:literal;)*) => {
        /// Counts and sizes.
        #[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
        pub struct Stats {
            $(#[doc = $what] pub $name: i64,)*
            /// Size of the database.
            pub database_bytes: i64,
        }

        impl Stats {
            /// Each with its name in words.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, i64)> {
                vec![$(($what, self.$name),)* ("bytes of the database", self.database_bytes)]
            }
        }

        impl AdminStore {
            /// Counts everything. That takes a while where there is much.
            pub(crate) async fn stats(&self) -> Result<Stats, WriteFault> {
                let size = match self.dialect {
                    Dialect::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                    Dialect::Postgres => "SELECT pg_database_size(current_database())",
                };
                Ok(Stats {
                    $($name: sqlx::query_scalar($sql).fetch_one(&self.pool).await?,)*
                    database_bytes: sqlx::query_scalar(size).fetch_one(&self.pool).await?,
                })
            }
        }
    };
}

stats! {
    accounts "accounts" = "SELECT count(*) FROM accounts";
    sessions "sessions" = "SELECT count(*) FROM sessions";
    vault_records "records in vaults" = "SELECT CAST(coalesce(sum(vault_records), 0) AS BIGINT) FROM accounts";
    vault_bytes "bytes in vaults" = "SELECT CAST(coalesce(sum(vault_bytes), 0) AS BIGINT) FROM accounts";
    letters "letters in inboxes" = "SELECT CAST(coalesce(sum(inbox_letters), 0) AS BIGINT) FROM accounts";
    invite_codes "invite codes that can be used" = "SELECT count(*) FROM invite_codes WHERE uses_left > 0";
    rooms "rooms" = "SELECT count(*) FROM rooms";
    epochs "epochs" = "SELECT count(*) FROM epochs";
    entries "entries" = "SELECT count(*) FROM entries";
    entry_bytes "bytes in entries" = "SELECT CAST(coalesce(sum(length(entry)), 0) AS BIGINT) FROM entries";
    doors "open doors" = "SELECT count(*) FROM doors";
    registers "status registers" = "SELECT count(*) FROM registers";
}
