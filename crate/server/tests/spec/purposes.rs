//! What a viewer lets an event go for is what it is used for, and nothing else.

use axum::http::Method;
use serde_json::{Value, json};
use upnext_server::export::{Export, export};
use upnext_server::store::event::{improving, of_account};
use upnext_server::store::{FILE, Store, open_reader};

use super::client::{ADMIN, Client, NOW, bearer};

/// A moment whose week is over: impressions of it are settled.
const THEN: i64 = NOW - 20 * 24 * 3_600_000;

/// An impression and a like of it, for these purposes; `null`: not a word of them.
fn liked(video: &str, purposes: &Value) -> Value {
    let event = |id: &str, kind: &str, at: i64| {
        json!({"id": format!("{id}-{video}"), "type": kind, "video_id": video, "timestamp": at,
               "surface": "up-next", "purposes": purposes})
    };
    json!([event("shown", "impression", THEN), event("liked", "like", THEN + 5)])
}

/// What the server makes of one account's events: its block, rows for training, impressions that count.
async fn effects(purposes: Value) -> (Vec<u8>, usize, f64) {
    let client = Client::keeping();
    client.post("ann", liked("v003", &purposes)).await;
    let block = client
        .get("/v1/candidates?size=40", &[("authorization", &bearer("ann"))])
        .await;
    assert_eq!(block.status, 200);
    let tables = Export {
        data: client.root.path().join("data"),
        bundle: client.root.path().to_owned(),
        base: None,
        out: client.root.path().join("tables"),
    };
    let rows = export(&tables).unwrap().interactions;
    let report = client.get("/v1/metrics/online", &[("x-upnext-admin-key", ADMIN)]).await;
    let report: Value = serde_json::from_slice(&report.body).unwrap();
    (block.body, rows, report["all"]["click_through"]["of"].as_f64().unwrap())
}

#[tokio::test]
async fn metrics_alone_change_no_block_and_no_model_and_improve_alone_no_figure() {
    let client = Client::keeping();
    let untold = client
        .get("/v1/candidates?size=40", &[("authorization", &bearer("ann"))])
        .await
        .body;
    let (block, rows, counted) = effects(json!(["metrics"])).await;
    assert!(block == untold, "the block is that of an account that told nothing");
    assert_eq!((rows, counted), (0, 1.0));
    let (block, rows, counted) = effects(json!(["improve"])).await;
    assert!(block != untold);
    assert_eq!((rows, counted), (2, 0.0));
    for both in [json!(["metrics", "improve"]), Value::Null] {
        let (block, rows, counted) = effects(both).await;
        assert!(block != untold);
        assert_eq!((rows, counted), (2, 1.0));
    }
}

#[tokio::test]
async fn nobody_elses_neighbour_or_trend_is_made_of_what_is_only_counted() {
    let client = Client::keeping();
    let asker = || async {
        client
            .get("/v1/candidates?size=40", &[("authorization", &bearer("bob"))])
            .await
            .body
    };
    client.post("bob", liked("v003", &Value::Null)).await;
    let before = asker().await;
    for account in ["cy", "dan", "eve"] {
        client.post(account, liked("v003", &json!(["metrics"]))).await;
        client.post(account, liked("v017", &json!(["metrics"]))).await;
    }
    assert!(asker().await == before);
    client.post("fay", liked("v003", &json!(["improve"]))).await;
    client.post("fay", liked("v017", &json!(["improve"]))).await;
    assert!(asker().await != before);
}

#[tokio::test]
async fn all_of_it_is_the_accounts_own_to_see_and_to_end() {
    let client = Client::keeping();
    client.post("ann", liked("v003", &json!(["metrics"]))).await;
    let record = client.admin(Method::GET, "/v1/accounts/ann", "").await;
    let record: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!(record["events"][0]["purposes"], json!(["metrics"]));
    assert_eq!(record["events"].as_array().unwrap().len(), 2);
    assert_eq!(client.admin(Method::DELETE, "/v1/accounts/ann", "").await.status, 204);
    let connection = open_reader(&client.root.path().join("data").join(FILE)).unwrap();
    assert!(of_account(&connection, "ann", 10).unwrap().is_empty());
}

#[tokio::test]
async fn events_of_before_there_were_purposes_are_for_both() {
    let client = Client::keeping();
    client.post("ann", liked("v003", &Value::Null)).await;
    let data = client.root.path().join("data");
    drop(client.router);
    let old = rusqlite::Connection::open(data.join(FILE)).unwrap();
    old.execute_batch("ALTER TABLE event DROP COLUMN purposes; DROP TABLE report_count; PRAGMA user_version = 2;")
        .unwrap();
    drop(old);
    drop(Store::open(&data).unwrap());
    let connection = open_reader(&data.join(FILE)).unwrap();
    assert_eq!(improving(&connection, "ann", 10).unwrap().len(), 2);
}
