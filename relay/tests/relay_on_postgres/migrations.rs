//! Changes of the schema on a server: however long they take.

use crate::support::{TestRelay, database_url, start_on};
use sqlx::{Connection as _, PgConnection};

/// What a statement of a relay may take: past it PostgreSQL gives it up.
const FORBID_TIMEOUTS: &str = "
    CREATE FUNCTION forbid_timeouts() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('statement_timeout') <> '0' OR current_setting('idle_in_transaction_session_timeout') <> '0' THEN
                RAISE EXCEPTION 'a change of the schema would be given up';
            END IF;
        END $$;
    CREATE EVENT TRIGGER forbid_timeouts ON ddl_command_start EXECUTE FUNCTION forbid_timeouts();";

#[tokio::test]
async fn a_change_of_the_schema_is_not_given_up_for_its_length() {
    let data = tempfile::tempdir().unwrap();
    let url = database_url(data.path()).unwrap();
    let mut server = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(FORBID_TIMEOUTS).execute(&mut server).await.unwrap();
    let relay = TestRelay { running: start_on(data.path(), |_| {}).await, data };
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE tablename = 'rooms'")
        .fetch_one(&mut server)
        .await
        .unwrap();
    assert_eq!(tables, 1);
    relay.connect().await.create(&crate::support::Room::new()).await;
}
