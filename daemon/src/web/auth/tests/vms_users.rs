//! Tests of lookups in VMS's table `users`.

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};

use super::*;

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(64), security_level INTEGER, \
     is_active BOOLEAN)";
const WITH_TOKENS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(64), security_level INTEGER, \
     is_active BOOLEAN, api_token VARCHAR(64) UNIQUE, token_expiry DATETIME)";

async fn run(path: &std::path::Path, statements: &[&str]) {
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    for sql in statements {
        db.execute_raw(Statement::from_string(DbBackend::Sqlite, *sql)).await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_user_is_what_his_row_says_now() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    let rows = "INSERT INTO users VALUES (1, 'ada', 3, 1), (2, 'bob', -1, 0), (3, NULL, NULL, NULL)";
    run(&path, &[USERS, rows]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    let named = |id, username: &str, security_level, is_active| {
        Some(User { id, username: username.to_owned(), security_level, is_active })
    };
    for (id, expected) in [
        (1, named(1, "ada", 3, true)),
        (2, named(2, "bob", -1, false)),
        (3, named(3, "", 0, false)),
        (4, None),
        (i64::MAX, None),
    ] {
        assert_eq!(users.by_id(id).await.unwrap(), expected, "{id}");
    }
    run(&path, &["UPDATE users SET security_level = 2 WHERE id = 1"]).await;
    assert_eq!(users.by_id(1).await.unwrap(), named(1, "ada", 2, true));
}

#[tokio::test]
async fn an_api_token_is_found_with_its_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    let rows = format!(
        "INSERT INTO users VALUES (1, 'ada', 3, 1, '{API_TOKEN}', '2026-04-01 00:00:00.000000'), \
         (2, 'bob', 3, 1, NULL, NULL), (3, 'eve', 3, 1, '{}', NULL)",
        "f".repeat(64)
    );
    run(&path, &[WITH_TOKENS, &rows]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    let (found, expiry) = users.by_api_token(API_TOKEN).await.unwrap().unwrap();
    assert_eq!((found, expiry.as_deref()), (user(1, 3, true), Some("2026-04-01 00:00:00.000000")));
    let (found, expiry) = users.by_api_token(&"f".repeat(64)).await.unwrap().unwrap();
    assert_eq!((found.id, expiry), (3, None));
    assert_eq!(users.by_api_token(&"0".repeat(64)).await.unwrap(), None);
}

#[tokio::test]
async fn a_vms_without_api_tokens_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vms.db");
    run(&path, &[USERS, "INSERT INTO users VALUES (1, 'ada', 3, 1)"]).await;
    let users = VmsUsers::new(&Gateway::new(&path));
    assert_eq!(users.by_api_token(API_TOKEN).await.unwrap(), None);
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 3, true)));
}

#[tokio::test]
async fn a_file_that_is_missing_or_replaced_is_looked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("vms.db"), dir.path().join("restored.db"));
    let users = VmsUsers::new(&Gateway::new(&path));
    assert!(matches!(users.by_id(1).await, Err(VmsError::Missing { .. })));
    run(&path, &[USERS, "INSERT INTO users VALUES (1, 'ada', 3, 1)"]).await;
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 3, true)));
    run(&other, &[USERS, "INSERT INTO users VALUES (1, 'ada', 0, 1)"]).await;
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(users.by_id(1).await.unwrap(), Some(user(1, 0, true)));
    std::fs::remove_file(&path).unwrap();
    assert!(users.by_id(1).await.is_err());
}
