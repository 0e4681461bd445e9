//! What the machine can do at all: a broadcast that stores nothing, and inserts that nobody asked for over a network.

use anyhow::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_test_services::Postgres;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// The argument that makes this program a bare broadcast.
pub const BARE_BROADCAST: &str = "--bare-broadcast";
/// The argument that makes this program a server of pages that it need not look up.
pub const BARE_PAGES: &str = "--bare-pages";
/// Rows in one transaction, and in one statement.
const TRANSACTION_ROWS: usize = 512;
const STATEMENT_ROWS: usize = 128;
/// How often the last page is read.
const READS: usize = 1_000;
const PAGE: &str = "SELECT seq, kind, entry FROM entries WHERE room = 1 ORDER BY seq DESC LIMIT 50";

/// Sends what anybody sends to everybody, and an acknowledgement to the sender.
pub async fn serve_bare_broadcast() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "ready: http://{}", listener.local_addr()?)?;
    let (everybody, _) = broadcast::channel::<Bytes>(16 * 1024);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_one(stream, everybody.clone()));
    }
}

async fn serve_one(stream: TcpStream, everybody: broadcast::Sender<Bytes>) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(64 * 1024);
    let socket = accept_async_with_config(stream, Some(config)).await?;
    let mut entries = everybody.subscribe();
    let (mut sink, mut incoming) = socket.split();
    loop {
        tokio::select! {
            message = incoming.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    everybody.send(bytes)?;
                    sink.feed(Message::binary(vec![0; 16])).await?;
                }
                Some(Ok(_)) => {}
                _ => return Ok(()),
            },
            entry = entries.recv() => match entry {
                Ok(entry) => sink.feed(Message::Binary(entry)).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
        while let Ok(entry) = entries.try_recv() {
            sink.feed(Message::Binary(entry)).await?;
        }
        sink.flush().await?;
    }
}

/// Answers whatever is asked with what a page of fifty entries takes.
pub async fn serve_bare_pages() -> Result<()> {
    let listener = TcpSocket::new_v4()?;
    listener.bind("127.0.0.1:0".parse()?)?;
    let listener = listener.listen(4096)?;
    writeln!(std::io::stdout(), "ready: http://{}", listener.local_addr()?)?;
    let page = Bytes::from(vec![7; 50 * 560]);
    loop {
        let (stream, _) = listener.accept().await?;
        let page = page.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut socket = accept_async_with_config(stream, None).await?;
            while let Some(Ok(_)) = socket.next().await {
                socket.send(Message::Binary(page.clone())).await?;
            }
            anyhow::Ok(())
        });
    }
}

/// Rows a second into the relay's own table in PostgreSQL, durable, many to a transaction.
pub async fn postgres_inserts_per_s(cluster: &Postgres, time: Duration) -> Result<f64> {
    let mut database = sqlx::PgConnection::connect(&cluster.new_database()?).await?;
    sqlx::raw_sql(include_str!("../../../migrations/postgres/0001_rooms.sql")).execute(&mut database).await?;
    let rows: Vec<_> = (0..STATEMENT_ROWS)
        .map(|row| {
            let [a, b, c, d] = [1, 2, 3, 4].map(|place| row * 4 + place);
            format!("(${a},${b},2,0,${c},0,${d})")
        })
        .collect();
    let sql = format!(
        "INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry) VALUES {}",
        rows.join(",")
    );
    let began = Instant::now();
    let mut seq = 0_i64;
    while began.elapsed() < time {
        let mut transaction = database.begin().await?;
        for _ in 0..TRANSACTION_ROWS / STATEMENT_ROWS {
            let mut insert = sqlx::query(AssertSqlSafe(sql.clone()));
            for _ in 0..STATEMENT_ROWS {
                seq += 1;
                let mut id = vec![0; 16];
                getrandom::fill(&mut id)?;
                insert = insert.bind(seq % 500).bind(seq).bind(id).bind(vec![7_u8; 537]);
            }
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(seq as f64 / began.elapsed().as_secs_f64())
}

/// Rows a second into the relay's own table, durable, many to a transaction.
pub async fn inserts_per_s(time: Duration) -> Result<f64> {
    let data = tempfile::tempdir()?;
    let mut database = SqliteConnectOptions::new()
        .filename(data.path().join("limit.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "16000")
        .pragma("cache_size", "-16000")
        .connect()
        .await?;
    sqlx::raw_sql(include_str!("../../../migrations/sqlite/0001_rooms.sql")).execute(&mut database).await?;
    let rows = vec!["(?,?,2,0,?,0,?)"; STATEMENT_ROWS].join(",");
    let sql =
        format!("INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry) VALUES {rows}");
    let began = Instant::now();
    let mut seq = 0_i64;
    while began.elapsed() < time {
        let mut transaction = database.begin().await?;
        for _ in 0..TRANSACTION_ROWS / STATEMENT_ROWS {
            let mut insert = sqlx::query(AssertSqlSafe(sql.clone()));
            for _ in 0..STATEMENT_ROWS {
                seq += 1;
                let mut id = vec![0; 16];
                getrandom::fill(&mut id)?;
                insert = insert.bind(seq % 500).bind(seq).bind(id).bind(vec![7_u8; 537]);
            }
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(seq as f64 / began.elapsed().as_secs_f64())
}

/// Milliseconds for the last fifty of so many entries, read from the relay's own table without a relay: the median.
pub async fn page_ms(entries: u64) -> Result<f64> {
    const INSERT: &str = "INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry) VALUES (1, ?, 2, 0, ?, 0, ?)";
    let data = tempfile::tempdir()?;
    let options = SqliteConnectOptions::new().filename(data.path().join("limit.db")).create_if_missing(true);
    let mut database = options.connect().await?;
    sqlx::raw_sql(include_str!("../../../migrations/sqlite/0001_rooms.sql")).execute(&mut database).await?;
    let mut transaction = database.begin().await?;
    for seq in 1..=i64::try_from(entries)? {
        let mut id = vec![0; 16];
        getrandom::fill(&mut id)?;
        sqlx::query(INSERT).bind(seq).bind(id).bind(vec![7_u8; 537]).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    let mut times = Vec::new();
    for _ in 0..READS {
        let began = Instant::now();
        let rows = sqlx::query(PAGE).fetch_all(&mut database).await?;
        anyhow::ensure!(rows.len() == 50, "a page of {} entries", rows.len());
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(READS / 2).copied().unwrap_or_default())
}

/// The same in PostgreSQL.
pub async fn postgres_page_ms(cluster: &Postgres, entries: u64) -> Result<f64> {
    let mut database = sqlx::PgConnection::connect(&cluster.new_database()?).await?;
    sqlx::raw_sql(include_str!("../../../migrations/postgres/0001_rooms.sql")).execute(&mut database).await?;
    sqlx::query(
        "INSERT INTO entries (room, seq, kind, epoch, entry_id, stored_hour, entry)
            SELECT 1, n, 2, 0, decode(md5(n::text), 'hex'), 0, decode(repeat('07', 537), 'hex')
            FROM generate_series(1, $1) AS n",
    )
    .bind(i64::try_from(entries)?)
    .execute(&mut database)
    .await?;
    sqlx::query("ANALYZE entries").execute(&mut database).await?;
    let mut times = Vec::new();
    for _ in 0..READS {
        let began = Instant::now();
        let rows = sqlx::query(PAGE).fetch_all(&mut database).await?;
        anyhow::ensure!(rows.len() == 50, "a page of {} entries", rows.len());
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(READS / 2).copied().unwrap_or_default())
}
