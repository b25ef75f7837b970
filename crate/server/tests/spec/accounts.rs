//! What is kept of an account: its own to see, and to end.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use upnext_server::app::{Settings, app};
use upnext_server::export::{Export, export};
use upnext_server::route::accounts::AccountRecord;
use upnext_server::serve::forget_old;
use upnext_server::store::FILE;

use super::client::{ADMIN, Client, NOW, bearer};

const TEXT: &str = "a search that nobody else has typed";

async fn told() -> Client {
    let client = Client::keeping();
    let events = json!([
        {"id": "1", "type": "like", "video_id": "v003", "timestamp": NOW - 9},
        {"id": "2", "type": "search", "text": TEXT, "timestamp": NOW - 5, "device": "phone"},
    ]);
    client.post("ann", events.clone()).await;
    client.post("zoe", events).await;
    client
}

async fn record(client: &Client, account: &str) -> AccountRecord {
    let uri = format!("/v1/accounts/{account}");
    let answer = client.get(&uri, &[("authorization", &bearer(account))]).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn an_account_sees_all_that_is_kept_of_it_as_it_was_told() {
    let client = told().await;
    let ann = record(&client, "ann").await;
    assert_eq!(ann.factor.as_deref(), Some(&[0.5, -0.2, 0.1, 0.9][..]));
    let events = serde_json::to_value(&ann.events).unwrap();
    let expected: Value = json!([
        {"id": "2", "type": "search", "text": TEXT, "timestamp": NOW - 5, "device": "phone"},
        {"id": "1", "type": "like", "video_id": "v003", "timestamp": NOW - 9},
    ]);
    assert_eq!(events, expected);
    assert_eq!(record(&client, "zoe").await.factor, None);
}

#[tokio::test]
async fn nobody_sees_or_ends_another() {
    let client = told().await;
    let bob = bearer("bob");
    for (headers, status) in [
        (&[][..], 401),
        (&[("authorization", bob.as_str())], 401),
        (&[("x-upnext-admin-key", "wrong")], 401),
        (&[("x-upnext-admin-key", ADMIN)], 200),
    ] {
        let answer = client.get("/v1/accounts/ann", headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status != 200 {
            let answer = client.with_body(Method::DELETE, "/v1/accounts/ann", headers, "").await;
            assert_eq!(answer.status, status);
        }
    }
    assert_eq!(record(&client, "ann").await.events.len(), 2);
    let nobody = client
        .get("/v1/accounts/nobody", &[("x-upnext-admin-key", ADMIN)])
        .await;
    assert_eq!(nobody.error(), (404, "account-unknown".to_owned()));
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_disk_from_blocks_and_from_tables() {
    let client = told().await;
    let token = bearer("ann");
    let auth = [("authorization", token.as_str())];
    let base = Export {
        data: client.root.path().join("data"),
        bundle: client.root.path().to_owned(),
        base: None,
        out: client.root.path().join("base"),
    };
    assert_eq!(export(&base).unwrap().users, 2);
    let answer = client.with_body(Method::DELETE, "/v1/accounts/ann", &auth, "").await;
    assert_eq!(answer.status, 204);
    let answer = client
        .with_body(Method::DELETE, "/v1/accounts/zoe", &[("x-upnext-admin-key", ADMIN)], "")
        .await;
    assert_eq!(answer.status, 204);
    for file in [FILE.to_owned(), format!("{FILE}-wal")] {
        let bytes = std::fs::read(base.data.join(&file)).unwrap();
        let found = bytes.windows(TEXT.len()).any(|window| window == TEXT.as_bytes());
        assert!(!found, "{file} still holds it");
    }
    let client = client.restarted();
    let ann = record(&client, "ann").await;
    assert_eq!((ann.factor, ann.events.len(), ann.erased_at), (None, 0, Some(NOW)));
    let block = client.get("/v1/candidates", &auth).await;
    assert_eq!(block.error(), (404, "account-unknown".to_owned()));
    // The base still holds what was told before; the next tables do not.
    let next = Export {
        base: Some(base.out.clone()),
        out: client.root.path().join("next"),
        ..base
    };
    let done = export(&next).unwrap();
    assert_eq!((done.users, done.interactions), (0, 0));
    // Somebody who comes back is somebody new.
    client
        .post(
            "ann",
            json!([{"id": "1", "type": "like", "video_id": "v001", "timestamp": NOW}]),
        )
        .await;
    assert_eq!(client.get("/v1/candidates", &auth).await.status, 200);
    let done = export(&next).unwrap();
    assert_eq!((done.users, done.interactions), (1, 1));
}

#[tokio::test]
async fn events_end_with_the_window_that_they_may_be_kept_for() {
    let (root, _) = super::fixture::root_with(&super::fixture::World::small());
    let settings = Settings {
        keep_days: Some(30),
        ..Settings::default()
    };
    let state = Arc::new(super::client::keeping_with(root.path(), settings, NOW));
    let client = Client {
        router: app(Arc::clone(&state)),
        id: String::new(),
        root,
    };
    let day = 24 * 3_600_000;
    let search = |id: &str, days: i64| json!({"id": id, "type": "search", "text": TEXT, "timestamp": NOW - days * day});
    client.post("ann", json!([search("old", 31), search("new", 29)])).await;
    assert_eq!(forget_old(&state).await.unwrap(), 1);
    assert_eq!(forget_old(&state).await.unwrap(), 0);
    let left = record(&client, "ann").await.events;
    assert_eq!(left.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["new"]);
}
