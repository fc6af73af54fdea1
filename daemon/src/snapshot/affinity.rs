//! Keys as SQLite compares them.
//!
//! When SQLite compares text with an integer column, it applies NUMERIC affinity to the text: `'3.0'`, `' 3'`
//! and `'3e0'` all find the row 3. A key that is read more strictly loses links that VMS counts; one that is
//! read more loosely adds links that VMS does not have.

/// Returns the integer that `text` equals in a comparison with an integer column; `None` if it equals none.
pub(super) fn integer_of_text(text: &str) -> Option<i64> {
    let number = without_blanks(text);
    // An integer too long for 64 bits is a floating point number to SQLite as well.
    number.parse().ok().or_else(|| integer_of_real(number_of(number)?))
}

/// Returns the number that `text` equals in a comparison with a numeric column; `None` if it equals none.
pub(super) fn real_of_text(text: &str) -> Option<f64> {
    number_of(without_blanks(text))
}

/// Returns the integer that a floating point number equals.
#[expect(clippy::cast_possible_truncation, reason = "checked: the value is integral and in range")]
pub(super) fn integer_of_real(value: f64) -> Option<i64> {
    /// 2^63, the first number beyond 64 bits; SQLite does not convert its negative either.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (value.fract() == 0.0 && value.abs() < BEYOND).then_some(value as i64)
}

/// What SQLite skips around a number; no other white space.
fn without_blanks(text: &str) -> &str {
    text.trim_matches(['\t', '\n', '\u{b}', '\u{c}', '\r', ' '])
}

/// Reads a decimal number. Rust's own parser also takes words such as `inf`, which are text to SQLite.
fn number_of(text: &str) -> Option<f64> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let mantissa = without_sign(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.map(without_sign).is_none_or(|digits| !digits.is_empty() && is_digits(digits));
    if is_number { text.parse().ok() } else { None }
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

    use super::*;

    /// A scratch database with the ids that the texts below can name.
    async fn database() -> DatabaseConnection {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        db.execute_unprepared(
            "CREATE TABLE district (id INTEGER NOT NULL, PRIMARY KEY (id)); \
             CREATE TABLE event_districts (event_id INTEGER, district_id VARCHAR(18)); \
             INSERT INTO district VALUES (0), (3), (-3), (30), (35), (1000), (1000000000000000000), \
             (9007199254740992), (9007199254740993), (9223372036854775807), (-9223372036854775808)",
        )
        .await
        .unwrap();
        db
    }

    async fn one(db: &DatabaseConnection, sql: &str, value: sea_orm::Value) -> Option<i64> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [value]);
        db.query_one_raw(statement).await.unwrap().and_then(|row| row.try_get_by_index(0).unwrap())
    }

    fn texts() -> Vec<String> {
        let numbers = "3 +3 -3 03 3.0 3. .3e1 3e0 3E0 30e-1 0.35e+2 3e e3 3e+ 3.5 . - + --3 +-3 3,0 3_0 0x3 \
            3.0.0 3e0.0 0 -0 -0.0 1e3 1e18 abc 3abc inf nan NULL 1e999 9007199254740993 \
            9007199254740993.0 9223372036854775807 9223372036854775807.0 9223372036854775808 \
            -9223372036854775808 -9223372036854775809 3.0000000000000000000001 \
            0000000000000000000000003";
        let blanks = ["", " ", "\t", "\n", "\u{b}", "\u{c}", "\r", "\u{a0}", "\u{85}", "\u{1f}", "\0"];
        let around = |number: &'static str| {
            blanks.into_iter().flat_map(move |blank| [format!("{blank}{number}"), format!("{number}{blank}")])
        };
        let more = ["", " ", "3 0", "- 3", "3 e0"].map(str::to_owned);
        numbers.split(' ').flat_map(around).chain(more).collect()
    }

    #[tokio::test]
    async fn a_text_key_equals_the_id_that_sqlite_joins_it_with() {
        let db = database().await;
        db.execute_unprepared("INSERT INTO event_districts VALUES (1, '')").await.unwrap();
        for text in texts() {
            db.execute_raw(Statement::from_sql_and_values(
                DbBackend::Sqlite,
                "UPDATE event_districts SET district_id = ?",
                [text.clone().into()],
            ))
            .await
            .unwrap();
            let joined = "SELECT district.id FROM district, event_districts \
                          WHERE ? = event_districts.event_id AND district.id = event_districts.district_id";
            let found = one(&db, joined, 1i64.into()).await;
            let read = integer_of_text(&text);
            let known = "SELECT id FROM district WHERE id = ?";
            let known = match read {
                Some(id) => one(&db, known, id.into()).await,
                None => None,
            };
            assert_eq!(known, found, "{text:?} is read as {read:?}");
        }
    }

    #[tokio::test]
    async fn text_in_an_integer_column_is_read_as_sqlite_converts_it() {
        let db = database().await;
        for text in texts() {
            // A column of INTEGER affinity stores the integer itself wherever the text equals one.
            db.execute_unprepared("CREATE TEMP TABLE IF NOT EXISTS n (n INTEGER); DELETE FROM n")
                .await
                .unwrap();
            let insert = Statement::from_sql_and_values(
                DbBackend::Sqlite,
                "INSERT INTO temp.n VALUES (?)",
                [text.clone().into()],
            );
            db.execute_raw(insert).await.unwrap();
            let stored = "SELECT n FROM temp.n WHERE typeof(n) = 'integer' AND 1 = ?";
            assert_eq!(one(&db, stored, 1i64.into()).await, integer_of_text(&text), "{text:?}");
            let number = "SELECT CAST(n AS REAL) = ?1 FROM temp.n WHERE typeof(n) IN ('integer', 'real')";
            let value = real_of_text(&text);
            let is_same = one(&db, number, value.into()).await;
            assert_eq!(is_same.map(|same| same != 0), value.map(|_| true), "{text:?} is read as {value:?}");
        }
    }

    #[test]
    fn a_real_key_equals_an_integer_only_if_it_is_one() {
        for (value, integer) in [
            (3.0, Some(3)),
            (-0.0, Some(0)),
            (3.5, None),
            (9_007_199_254_740_992.0, Some(9_007_199_254_740_992)),
            (9_223_372_036_854_775_808.0, None),
            (f64::INFINITY, None),
            (f64::NAN, None),
        ] {
            assert_eq!(integer_of_real(value), integer, "{value}");
        }
    }
}
