//! How SQLite finds what is asked for: a few rows by an index, however much there is. What PostgreSQL does is counted while it does it
//! (`relay/tests/relay_on_postgres/plans.rs`).

use super::read::{OF_STRANGERS, log};
use super::{Store, epochs, known};
use crate::config::Database;
use sqlx::{AssertSqlSafe, Row as _};

/// What a plan may go through from one end to the other: rows that were found before, and rows of the statement itself.
const SHORT: [&str; 10] = [
    "SCAN room",
    "SCAN latest",
    "SCAN shown",
    "SCAN r",
    "SCAN e LEFT-JOIN",
    "SCAN w",
    "SCAN wanted",
    "SCAN t",
    "SCAN 8 CONSTANT ROWS",
    "SCAN n",
];
/// All rows of a room, of which only one is read: the greatest place.
const GREATEST: &str = "SEARCH entries USING COVERING INDEX entries_by_seq (room=?)";

#[tokio::test]
async fn whatever_anybody_can_ask_is_found_by_an_index_that_leads_to_few_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Database::Sqlite, folder.path(), None).await.unwrap();
    let known = known::statement();
    let mut statements: Vec<&str> = [&OF_STRANGERS[..], &epochs::OF_ANYBODY, &log::OF_MEMBERS].concat();
    statements.push(&known);
    for statement in statements {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = sqlx::query(AssertSqlSafe(plan)).fetch_all(store.read.pool()).await.unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            let step: String = row.get("detail");
            let is_short = SHORT.contains(&step.as_str()) || step == GREATEST;
            // One column leads to a row only where it is unique; a room alone has any number.
            let leads_to_all = step.contains("SEARCH") && step.contains("(room=?)");
            assert!(is_short || !(step.starts_with("SCAN") || leads_to_all), "{step}\nin {statement}");
            assert!(!step.contains("AUTOMATIC"), "{step}\nin {statement}");
        }
    }
}
