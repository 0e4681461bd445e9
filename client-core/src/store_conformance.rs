//! What every store must do, as one suite that is run against each of them.

use crate::store::{Change, Scan, Store, Table, Transaction};
use zeroize::Zeroizing;

/// Checks a store that is empty. Says what is wrong with it.
///
/// # Errors
/// The first rule that the store breaks, or the error that it gives.
pub async fn check<S: Store>(store: &S) -> Result<(), String> {
    rows_come_back(store).await?;
    ranges_are_ordered(store).await?;
    a_dropped_transaction_changes_nothing(store).await?;
    transactions_exclude_each_other(store).await
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Change {
    Change::Put(table, key.to_vec(), Zeroizing::new(value.to_vec()))
}

fn say(what: &str) -> impl Fn(&dyn core::error::Error) -> String + '_ {
    move |error| format!("{what}: {error}")
}

async fn write<S: Store>(store: &S, changes: Vec<Change>) -> Result<(), String> {
    let transaction = store.begin().await.map_err(|error| say("begin")(&error))?;
    transaction.commit(changes).await.map_err(|error| say("commit")(&error))
}

async fn read<S: Store>(store: &S, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut transaction = store.begin().await.map_err(|error| say("begin")(&error))?;
    let value = transaction.get(table, key).await.map_err(|error| say("get")(&error))?;
    Ok(value.map(|value| value.to_vec()))
}

fn expect<T: PartialEq + core::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {expected:?}")) }
}

async fn rows_come_back<S: Store>(store: &S) -> Result<(), String> {
    expect("an absent row", read(store, Table::Room, b"a").await?, None)?;
    let empty_key = put(Table::Profile, b"", b"me");
    write(store, vec![put(Table::Room, b"a", b"1"), put(Table::Group, b"a", b""), empty_key]).await?;
    expect("a row", read(store, Table::Room, b"a").await?, Some(b"1".to_vec()))?;
    expect("an empty value", read(store, Table::Group, b"a").await?, Some(Vec::new()))?;
    expect("an empty key", read(store, Table::Profile, b"").await?, Some(b"me".to_vec()))?;
    let again = vec![put(Table::Room, b"a", b"2"), Change::Delete(Table::Group, b"a".to_vec())];
    write(store, again).await?;
    expect("a replaced row", read(store, Table::Room, b"a").await?, Some(b"2".to_vec()))?;
    expect("a removed row", read(store, Table::Group, b"a").await?, None)?;
    let large = vec![7; 400_000];
    write(store, vec![put(Table::Room, b"large", &large)]).await?;
    expect("a large row", read(store, Table::Room, b"large").await?, Some(large))
}

async fn ranges_are_ordered<S: Store>(store: &S) -> Result<(), String> {
    let keys: [&[u8]; 6] = [b"x\x00", b"x\x01\xff", b"x\x02", b"x\xfe", b"x\xff\xff", b"y"];
    write(store, keys.iter().rev().map(|key| put(Table::Log, key, key)).collect()).await?;
    write(store, vec![put(Table::Seen, b"x\x01", b"another table")]).await?;
    let in_x = Scan::all(Table::Log, b"x".to_vec());
    let limited = Scan { limit: 2, descending: true, ..in_x.clone() };
    let before = Some(b"x\xff\xff".to_vec());
    let between = Scan { after: Some(b"x\x00".to_vec()), before: before.clone(), ..in_x.clone() };
    let newest_before = Scan { before, limit: 1, descending: true, ..in_x.clone() };
    let cases = [
        (in_x, vec![0, 1, 2, 3, 4]),
        (limited, vec![4, 3]),
        (between, vec![1, 2, 3]),
        (newest_before, vec![3]),
    ];
    for (scan, expected) in cases {
        let mut transaction = store.begin().await.map_err(|error| say("begin")(&error))?;
        let what = format!("{scan:?}");
        let rows = transaction.scan(scan).await.map_err(|error| say("scan")(&error))?;
        let got: Vec<Vec<u8>> = rows.iter().map(|(key, _)| key.clone()).collect();
        let expected: Vec<Vec<u8>> =
            expected.iter().filter_map(|index| keys.get(*index)).map(|key| key.to_vec()).collect();
        expect(&what, got, expected)?;
        expect("values of a range", rows.iter().all(|(key, value)| *key == **value), true)?;
    }
    Ok(())
}

async fn a_dropped_transaction_changes_nothing<S: Store>(store: &S) -> Result<(), String> {
    let transaction = store.begin().await.map_err(|error| say("begin")(&error))?;
    drop(transaction);
    expect("after a dropped transaction", read(store, Table::Room, b"a").await?, Some(b"2".to_vec()))
}

/// Two tasks count up in turns: a lost update would show.
async fn transactions_exclude_each_other<S: Store>(store: &S) -> Result<(), String> {
    let count_up = || async {
        for _ in 0..20 {
            let mut transaction = store.begin().await.map_err(|error| say("begin")(&error))?;
            let value = transaction.get(Table::Cursor, b"count").await.map_err(|error| say("get")(&error))?;
            let count = value.and_then(|value| value.first().copied()).unwrap_or(0);
            transaction
                .commit(vec![put(Table::Cursor, b"count", &[count + 1])])
                .await
                .map_err(|error| say("commit")(&error))?;
        }
        Ok::<(), String>(())
    };
    let (one, other) = futures_util::future::join(count_up(), count_up()).await;
    one.and(other)?;
    expect("after two counters", read(store, Table::Cursor, b"count").await?, Some(vec![40]))
}

#[cfg(test)]
mod tests {
    use crate::MemoryStore;

    #[test]
    fn the_store_in_memory_conforms() {
        pollster::block_on(async { super::check(&MemoryStore::default()).await }).unwrap();
    }
}
