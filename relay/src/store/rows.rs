//! Statements over many rows: of a few fixed sizes, so that each is prepared once.

use super::dialect::Dialect;

/// How many rows one statement takes, largest first. With more, SQLite takes longer for each; PostgreSQL is spared ways to the server
/// and back.
const ROWS_PER_STATEMENT: [usize; 4] = [128, 32, 8, 1];
const ROWS_PER_STATEMENT_OF_POSTGRES: [usize; 5] = [512, 128, 32, 8, 1];

/// How many of `left` rows the next statement takes.
pub(super) fn statement_size(dialect: Dialect, left: usize) -> Option<usize> {
    let sizes: &[usize] = match dialect {
        Dialect::Sqlite => &ROWS_PER_STATEMENT,
        Dialect::Postgres => &ROWS_PER_STATEMENT_OF_POSTGRES,
    };
    sizes.iter().copied().find(|size| *size <= left)
}

/// Splits rows as statements take them.
pub(super) fn chunks<T>(dialect: Dialect, mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (chunk, rest) = rows.split_at_checked(statement_size(dialect, rows.len())?)?;
        rows = rest;
        Some(chunk)
    })
}

/// A statement with so many rows of `columns` placeholders each. Only constants go into the text; values are bound.
///
/// SQLite finds a placeholder without a number at once, one with a number by searching; PostgreSQL knows only the latter.
pub(super) fn with_rows(
    dialect: Dialect,
    before: &'static str,
    (columns, count): (usize, usize),
    after: &'static str,
) -> String {
    use std::fmt::Write as _;
    let mut sql = String::with_capacity(before.len() + count * (columns * 5 + 3) + after.len());
    sql.push_str(before);
    for row in 0..count {
        sql.push_str(if row > 0 { ",(" } else { "(" });
        for column in 0..columns {
            if column > 0 {
                sql.push(',');
            }
            match dialect {
                Dialect::Sqlite => sql.push('?'),
                // Writing into a string cannot fail.
                Dialect::Postgres => drop(write!(sql, "${}", row * columns + column + 1)),
            }
        }
        sql.push(')');
    }
    sql.push_str(after);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_without_loss() {
        let of_postgres = &ROWS_PER_STATEMENT_OF_POSTGRES[..];
        for (dialect, sizes) in [(Dialect::Sqlite, &ROWS_PER_STATEMENT[..]), (Dialect::Postgres, of_postgres)]
        {
            for count in [0_usize, 1, 7, 8, 9, 127, 128, 300, 2000] {
                let rows: Vec<_> = (0..count).collect();
                let split: Vec<_> = chunks(dialect, &rows).collect();
                assert_eq!(split.concat(), rows);
                assert!(split.iter().all(|chunk| sizes.contains(&chunk.len())));
            }
        }
    }

    #[test]
    fn a_statement_has_a_placeholder_for_each_value() {
        let rows = |dialect| with_rows(dialect, "VALUES ", (2, 3), ";");
        assert_eq!(rows(Dialect::Sqlite), "VALUES (?,?),(?,?),(?,?);");
        assert_eq!(rows(Dialect::Postgres), "VALUES ($1,$2),($3,$4),($5,$6);");
    }
}
