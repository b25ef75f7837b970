//! Too much at once: an account that asks too often, a server that is asked too much, and how both are seen.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;
use upnext_server::app::{Settings, app};

use super::client::{Client, NOW, bearer, state};
use super::fixture::{World, root_with};

#[tokio::test]
async fn an_account_that_asks_too_often_waits_and_others_do_not() {
    let settings = Settings {
        account_rate: 1,
        account_burst: 3,
        ..Settings::default()
    };
    let client = Client::with(settings, NOW);
    let token = bearer("ann");
    for asked in 0..5 {
        let answer = client.get("/v1/candidates?size=1", &[("authorization", &token)]).await;
        if asked < 3 {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(answer.error(), (429, "overloaded".to_owned()));
            assert_eq!(answer.header(RETRY_AFTER), "1");
        }
    }
    let other = client
        .get("/v1/candidates?size=1", &[("authorization", &bearer("bob"))])
        .await;
    assert_eq!(
        (other.status, client.get("/v1/candidates", &[]).await.status),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
}

#[tokio::test]
async fn more_than_the_server_takes_is_turned_away_and_probes_never_are() {
    let (root, id) = root_with(&World::small());
    let settings = Settings {
        most_in_flight: 2,
        ..Settings::default()
    };
    let state = Arc::new(state(root.path(), settings, NOW));
    let client = Arc::new(Client {
        router: app(Arc::clone(&state)),
        id,
        root,
    });
    // No processor is free: what is taken waits.
    let busy = state
        .workers
        .acquire_many(state.workers.available_permits() as u32)
        .await
        .unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.get("/v1/candidates?size=1", &[]).await.status })
        })
        .collect();
    while !client
        .get("/metrics", &[])
        .await
        .body
        .windows(18)
        .any(|w| w == b"upnext_in_flight 2")
    {
        tokio::task::yield_now().await;
    }
    let turned_away = client.get("/v1/candidates?size=1", &[]).await;
    assert_eq!(turned_away.error(), (503, "overloaded".to_owned()));
    assert_eq!(turned_away.header(RETRY_AFTER), "1");
    for probe in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(client.get(probe, &[]).await.status, 200, "{probe}");
    }
    drop(busy);
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200, "what was taken is answered");
    }
    assert_eq!(client.get("/v1/candidates?size=1", &[]).await.status, 200);
}

#[tokio::test]
async fn readiness_ends_when_the_server_is_asked_to() {
    let (root, id) = root_with(&World::small());
    let state = Arc::new(state(root.path(), Settings::default(), NOW));
    let client = Client {
        router: app(Arc::clone(&state)),
        id,
        root,
    };
    assert_eq!(client.get("/readyz", &[]).await.body, b"ready\n");
    state.is_draining.store(true, Ordering::Relaxed);
    assert_eq!(client.get("/readyz", &[]).await.status, 503);
    assert_eq!(
        client.get("/v1/candidates", &[]).await.status,
        200,
        "who comes all the same is served"
    );
}

#[tokio::test]
async fn metrics_count_and_name_nobody() {
    let client = Client::keeping();
    let event = json!([{"id": "e1", "type": "like", "video_id": "v001", "timestamp": NOW}]);
    client.post("ann", event.clone()).await;
    client.post("ann", event).await;
    client
        .get(
            "/v1/candidates?size=30&languages=de",
            &[("authorization", &bearer("ann"))],
        )
        .await;
    client.get("/none?secret=1", &[]).await;
    let answer = client.get("/metrics", &[]).await;
    assert!(answer.header(CONTENT_TYPE).starts_with("application/openmetrics-text"));
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "upnext_events_total{result=\"stored\"} 1",
        "upnext_events_total{result=\"known\"} 1",
        "upnext_candidates_total{source=\"cf\"}",
        "upnext_requests_total{route=\"/v1/candidates\",method=\"GET\",status=\"200\"} 1",
        "upnext_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"} 1",
        "upnext_stage_seconds_count{stage=\"select\"} 1",
        "upnext_request_seconds_count{route=\"/v1/events\"} 2",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for personal in ["ann", "secret", "languages", "v001"] {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn a_sample_of_searches_is_made_again_by_hand() {
    let settings = Settings {
        recall_every: 2,
        ..Settings::default()
    };
    let client = Client::with(settings, NOW);
    for account in ["ann", "ann", "bob", "new"] {
        let answer = client
            .get("/v1/candidates?size=20", &[("authorization", &bearer(account))])
            .await;
        assert_eq!(answer.status, 200);
    }
    // The first and the third request were sampled, twenty hits each; the index is exact.
    let expected = ["upnext_recall_sampled_total 40", "upnext_recall_found_total 40"];
    for _ in 0..1000 {
        let text = String::from_utf8(client.get("/metrics", &[]).await.body).unwrap();
        if expected.iter().all(|line| text.contains(line)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{expected:?} never came");
}
