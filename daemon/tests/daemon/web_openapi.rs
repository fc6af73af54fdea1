//! Tests of the API description.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::boot::Home;
use crate::web_client::{ask, authorization, serve_web};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/openapi.json");

async fn served() -> String {
    let mut home = Home::new();
    serve_web(&mut home);
    let daemon = home.boot().await;
    let (path, token) = ("/management/cache/api/openapi.json", authorization());
    assert_eq!(ask(&daemon, "GET", path, &[], "").await.status, 401);
    let answer = ask(&daemon, "GET", path, &[("Authorization", token.as_str())], "").await;
    assert_eq!(answer.status, 200);
    answer.json();
    answer.body
}

/// The repository's copy is current; with `UPDATE_OPENAPI` set, it is rewritten.
#[tokio::test]
async fn the_copy_in_the_repository_is_current() {
    let served = served().await;
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(KEPT, &served).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == served,
        "packaging/openapi.json is not what is served; run the test with UPDATE_OPENAPI=1"
    );
}

/// A summary of the whole API: an addition or a removal here affects scripts of operators.
#[tokio::test]
async fn every_route_documents_its_access_and_its_responses() {
    let document: Value = serde_json::from_str(&served().await).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let ways = json!([{"bearer": []}, {"api_token": []}, {"session": []}]);
    let mut page = String::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let gated = operation.get("security").is_some();
            assert!(!gated || operation["security"] == ways, "{path}");
            assert_eq!(gated, responses.contains_key("401"), "{path}");
            let own = responses.iter().filter(|(status, _)| {
                let everywhere = ["400", "408", "413", "421", "500", "401", "403", "429", "503"];
                !everywhere.contains(&status.as_str())
            });
            let own: Vec<&str> = own.map(|(status, _)| status.as_str()).collect();
            let who = if gated { "gated " } else { "public" };
            writeln!(page, "{who} {method:4} {path} {}", own.join(" ")).unwrap();
        }
    }
    insta::assert_snapshot!(page);
}
