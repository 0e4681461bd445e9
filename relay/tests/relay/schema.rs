//! The database's schema: every column is explained in the threat model, and both databases have the same.

use crate::support::*;
use sotto_relay::Database;
use sqlx::{AnyConnection, Row as _};
use std::collections::BTreeSet;

/// Table, column, and whether it may be empty.
type Column = (String, String, bool);

const SQLITE: &str = "SELECT tables.name AS in_table, columns.name AS in_column, \
    CASE WHEN columns.\"notnull\" = 0 AND columns.pk = 0 THEN 1 ELSE 0 END AS is_optional \
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns \
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'";
const POSTGRES: &str = "SELECT CAST(table_name AS TEXT) AS in_table, CAST(column_name AS TEXT) AS in_column, \
    CAST(CASE WHEN is_nullable = 'YES' THEN 1 ELSE 0 END AS BIGINT) AS is_optional FROM information_schema.columns \
    WHERE table_schema = 'public'";

async fn columns(database: &mut AnyConnection, query: &'static str) -> BTreeSet<Column> {
    let rows = sqlx::query(query).fetch_all(database).await.unwrap();
    let columns: BTreeSet<Column> = rows
        .iter()
        .map(|row| (row.get("in_table"), row.get("in_column"), row.get::<i64, _>("is_optional") == 1))
        .collect();
    assert!(columns.len() > 50, "{columns:?}");
    columns
}

async fn of_a_new_relay() -> BTreeSet<Column> {
    let relay = TestRelay::start().await;
    let query = if is_on_postgres() { POSTGRES } else { SQLITE };
    columns(&mut relay.database().await, query).await
}

#[tokio::test]
async fn every_column_is_explained() {
    let there: BTreeSet<String> =
        of_a_new_relay().await.iter().map(|(table, column, _)| format!("{table}.{column}")).collect();
    let threat_model = include_str!("../../../docs/THREAT_MODEL.md");
    let explained: BTreeSet<String> = threat_model
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.split_once('.').is_some_and(|(table, column)| is_word(table) && is_word(column)))
        .collect();
    let missing: Vec<_> = there.difference(&explained).collect();
    assert!(missing.is_empty(), "not explained in docs/THREAT_MODEL.md: {missing:?}");
    let gone: Vec<_> = explained.difference(&there).collect();
    assert!(gone.is_empty(), "explained in docs/THREAT_MODEL.md, and not there: {gone:?}");
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let on_sqlite = start_on(folder.path(), |config| config.database = Database::Sqlite).await;
    let file = format!("sqlite://{}", folder.path().join("relay.db").display());
    let mut database = <AnyConnection as sqlx::Connection>::connect(&file).await.unwrap();
    // How far the schema is, each database's library notes in its own way.
    let own = |mut columns: BTreeSet<Column>| {
        columns.retain(|(table, ..)| table != "_sqlx_migrations");
        columns
    };
    assert_eq!(own(columns(&mut database, SQLITE).await), own(of_a_new_relay().await));
    on_sqlite.shutdown().await;
}
