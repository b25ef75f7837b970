//! `POST /v1/events`: what is kept, what is refused, and that it is kept before the answer.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use upnext_server::app::app;
use upnext_server::event::{MAX_BODY_BYTES, MAX_EVENTS};
use upnext_server::route::events::Receipt;
use upnext_server::store::event::of_account;
use upnext_server::store::{FILE, Store, open_reader};

use super::client::{ADMIN, Answer, Client, NOW, bearer, keeping};
use super::fixture::{World, root_with};

fn watch(id: &str, video: &str) -> Value {
    json!({"id": id, "type": "watch", "video_id": video, "seconds": 30, "timestamp": NOW - 1000})
}

fn receipt(answer: &Answer) -> Receipt {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Ids of an account's events on the disk, as another process sees them.
fn on_disk(client: &Client, account: &str) -> Vec<String> {
    let connection = open_reader(&client.root.path().join("data").join(FILE)).unwrap();
    let mut ids: Vec<String> = of_account(&connection, account, 1000)
        .unwrap()
        .into_iter()
        .map(|event| event.id)
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_batch_is_on_the_disk_before_the_answer_and_once_however_often_it_is_sent() {
    let client = Client::keeping();
    let batch = json!([watch("e1", "v001"), watch("e2", "v002")]);
    let first = receipt(&client.post("ann", batch.clone()).await);
    assert_eq!((first.stored, first.known, first.refused.len()), (2, 0, 0));
    assert_eq!(on_disk(&client, "ann"), ["e1", "e2"]);
    let again = receipt(&client.post("ann", batch).await);
    assert_eq!((again.stored, again.known), (0, 2));
    let mixed = receipt(
        &client
            .post(
                "ann",
                json!([watch("e2", "v009"), watch("e3", "v003"), watch("e3", "v003")]),
            )
            .await,
    );
    assert_eq!((mixed.stored, mixed.known), (1, 2));
    assert_eq!(on_disk(&client, "ann"), ["e1", "e2", "e3"]);
    let client = client.restarted();
    assert_eq!(on_disk(&client, "ann"), ["e1", "e2", "e3"]);
}

#[tokio::test]
async fn one_account_s_ids_say_nothing_about_another_s() {
    let client = Client::keeping();
    receipt(&client.post("ann", json!([watch("e1", "v001")])).await);
    assert_eq!(
        receipt(&client.post("bob", json!([watch("e1", "v002")])).await).stored,
        1
    );
    assert_eq!(on_disk(&client, "bob"), ["e1"]);
}

#[tokio::test]
async fn a_bad_event_is_named_by_its_place_and_the_others_are_kept() {
    let client = Client::keeping();
    let events = json!([watch("e1", "v001"), {"id": "e2"}, watch("e3", ""), watch("e4", "v002")]);
    let receipt = receipt(&client.post("ann", events).await);
    assert_eq!(receipt.stored, 2);
    let refused: Vec<(usize, &str)> = receipt.refused.iter().map(|r| (r.index, r.code.as_str())).collect();
    assert_eq!(refused, [(1, "request-invalid"), (2, "request-invalid")]);
    assert_eq!(on_disk(&client, "ann"), ["e1", "e4"]);
}

#[tokio::test]
async fn a_token_writes_for_its_account_and_the_admin_key_for_all() {
    let client = Client::keeping();
    let mut event = watch("e1", "v001");
    event["account"] = json!("bob");
    let own = receipt(&client.post("ann", json!([event])).await);
    assert_eq!((own.stored, own.refused.len()), (0, 1), "nobody writes for another");
    let body = json!({ "events": [event] });
    let admin = client
        .with_body(Method::POST, "/v1/events", &[("x-upnext-admin-key", ADMIN)], &body)
        .await;
    assert_eq!(receipt(&admin).stored, 1);
    assert_eq!((on_disk(&client, "bob").len(), on_disk(&client, "ann").len()), (1, 0));
    // An account that the bundle does not know yet may have events: the next bundle will know it.
    assert_eq!(
        receipt(&client.post("newcomer", json!([watch("e1", "v001")])).await).stored,
        1
    );
}

#[tokio::test]
async fn requests_that_are_refused_whole() {
    let client = Client::keeping();
    let token = bearer("ann");
    let auth = ("authorization", token.as_str());
    let good = json!({ "events": [watch("e1", "v001")] }).to_string();
    let many = json!({ "events": vec![watch("e1", "v001"); MAX_EVENTS + 1] }).to_string();
    let large = format!("{{\"events\": [], \"pad\": \"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    let wrong_key = ("x-upnext-admin-key", "wrong");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);
    let cases: &[Case<'_>] = &[
        (&good, &[], 401, "token-invalid"),
        (&good, &[("authorization", "Bearer x.y.z")], 401, "token-invalid"),
        (&good, &[wrong_key], 401, "token-invalid"),
        (&good, &[auth, wrong_key], 401, "token-invalid"),
        ("", &[auth], 400, "request-invalid"),
        ("{\"events\": 1}", &[auth], 400, "request-invalid"),
        ("{\"events\": []}", &[auth], 400, "request-invalid"),
        (&many, &[auth], 400, "request-invalid"),
        (&large, &[auth], 413, "request-invalid"),
    ];
    for (body, headers, status, code) in cases {
        let answer = client.with_body(Method::POST, "/v1/events", headers, body).await;
        assert_eq!(answer.error(), (*status, (*code).to_owned()), "{headers:?} {body:.60}");
    }
    assert!(on_disk(&client, "ann").is_empty());
    let answer = client.get("/v1/events", &[auth]).await;
    assert_eq!(answer.error(), (405, "request-invalid".to_owned()));
    assert!(answer.header(axum::http::header::ALLOW).contains("POST"));
}

#[tokio::test]
async fn a_server_without_a_data_directory_says_so() {
    let answer = Client::new().post("ann", json!([watch("e1", "v001")])).await;
    assert_eq!(answer.error(), (404, "not-found".to_owned()));
    assert!(String::from_utf8(answer.body).unwrap().contains("--data"));
}

#[tokio::test]
async fn a_data_directory_belongs_to_one_server_and_to_one_version() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let error = Store::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("another server"), "{error}");
    // 2 is FULL: a commit returns after its log has reached the disk.
    let synchronous: i64 = store
        .write(|connection| connection.pragma_query_value(None, "synchronous", |row| row.get(0)))
        .await
        .unwrap();
    assert_eq!(synchronous, 2);
    store
        .write(|connection| connection.pragma_update(None, "user_version", 99))
        .await
        .unwrap();
    drop(store);
    let error = Store::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
    let broken = tempfile::tempdir().unwrap();
    std::fs::write(
        broken.path().join(FILE),
        "no database, and longer than a header is".repeat(9),
    )
    .unwrap();
    assert!(Store::open(broken.path()).is_err());
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_and_hurts_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let insert = "INSERT INTO event (account, id, kind, at_ms, relevant, counts) VALUES ('ann', ?1, 'search', 1, 0, 0)";
    let failing = store.write(move |connection| {
        connection.execute(insert, ["half"])?;
        connection.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    let good = store.write(move |connection| connection.execute(insert, ["whole"]));
    let (failed, kept) = tokio::join!(failing, good);
    assert!(failed.is_err() && kept.is_ok());
    let rows = store.read(|connection| of_account(connection, "ann", 10)).unwrap();
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["whole"]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_costs_nothing_that_was_kept() {
    let (root, id) = root_with(&World::small());
    let state = Arc::new(keeping(root.path(), NOW));
    let client = Client {
        router: app(Arc::clone(&state)),
        id,
        root,
    };
    receipt(&client.post("ann", json!([watch("before", "v001")])).await);
    // SQLite's own limit stands in for the disk's: it answers the same, SQLITE_FULL.
    let limit = |pages: i64| {
        let store = state.store.as_ref().unwrap();
        store.write(move |connection| connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
    };
    limit(1).await.unwrap();
    let mut refused = 0;
    for batch in 0..40 {
        let events: Vec<Value> = (0..100)
            .map(|event| json!({"id": format!("{batch}-{event}"), "type": "search", "text": "x".repeat(999), "timestamp": NOW}))
            .collect();
        let answer = client.post("bob", json!(events)).await;
        if answer.status != 200 {
            assert_eq!(answer.error(), (503, "server-error".to_owned()));
            refused += 1;
        }
    }
    assert!(refused > 0, "the disk was never full");
    assert_eq!(
        on_disk(&client, "bob").len() % 100,
        0,
        "a batch is kept whole or not at all"
    );
    assert_eq!(on_disk(&client, "ann"), ["before"]);
    assert_eq!(
        client.get("/v1/candidates", &[]).await.status,
        200,
        "who only reads is served"
    );
    limit(1_000_000).await.unwrap();
    receipt(&client.post("ann", json!([watch("after", "v002")])).await);
    assert_eq!(on_disk(&client, "ann"), ["after", "before"]);
}
