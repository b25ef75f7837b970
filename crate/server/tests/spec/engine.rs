//! Milvus away: viewers get full blocks without what it finds, and everybody is told. With Milvus: `npm run milvus`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use upnext_core::block::{Block, Dims};
use upnext_server::app::{AppState, Settings, app};
use upnext_server::catalogue::Loading;
use upnext_server::edition::Audience;
use upnext_server::route::candidates::MISSING;
use upnext_server::serving::Serving;
use upnext_server::token::TokenKey;
use upnext_server::vector_index::{EngineOptions, Search, Searcher};

use super::client::{Answer, Client, NOW, SECRET, bearer};
use super::fixture::{FACTOR_DIM, VECTOR_DIM, World, root_with};

const DIMS: Dims = Dims {
    vector: VECTOR_DIM,
    factor: FACTOR_DIM,
};

/// A server whose Milvus answers nobody.
fn without_milvus() -> Client {
    let (root, id) = root_with(&World::small());
    let search = Search::Milvus(EngineOptions {
        // Port 1 of the loopback device.
        url: "http://127.0.0.1:1".to_owned(),
        token_file: None,
        timeout: Duration::from_secs(1),
        exact_rows: 1000,
    });
    let loading = Loading {
        searcher: Searcher::new(&search).unwrap(),
        ..Loading::default()
    };
    let serving = Serving::load_with(root.path(), &[], &Audience::default(), loading).unwrap();
    let key = TokenKey::new(SECRET).unwrap();
    let state = AppState::new(serving, Some(key), Settings::default(), Box::new(|| NOW));
    Client {
        router: app(Arc::new(state)),
        id,
        root,
    }
}

#[tokio::test]
async fn a_block_is_full_without_the_engine_and_says_what_is_missing() {
    let (client, embedded) = (without_milvus(), Client::new());
    let token = bearer("ann");
    let token = [("authorization", token.as_str())];
    let uri = "/v1/candidates?size=20";
    let (without, with) = (client.get(uri, &token).await, embedded.get(uri, &token).await);
    assert_eq!((without.status.as_u16(), without.header(MISSING)), (200, "cf"));
    assert_eq!(without.header(CACHE_CONTROL), "no-store");
    assert_eq!((with.status.as_u16(), with.header(MISSING)), (200, ""));
    let rows = |answer: &Answer| Block::decode(&answer.body, &client.id, DIMS).unwrap().len();
    assert_eq!((rows(&without), rows(&with)), (20, 20));

    let public = client.get(uri, &[]).await;
    assert_eq!(public.header(MISSING), "", "shelves need no engine");
    assert_eq!(public.body, embedded.get(uri, &[]).await.body);
}

#[tokio::test]
async fn probes_say_that_it_is_waited_for() {
    let client = without_milvus();
    let ready = client.get("/readyz", &[]).await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.starts_with(b"waiting: "),
        "{:?}",
        String::from_utf8(ready.body)
    );
    assert_eq!(client.get("/healthz", &[]).await.status, 200);
    let metrics = String::from_utf8(client.get("/metrics", &[]).await.body).unwrap();
    assert!(metrics.contains("upnext_searchable 0"), "{metrics}");
}
